import { identityOf } from '../identity.js';
import type { StampedProperty } from './enriched-properties.js';
import type { HubMessage } from './hub-message.js';
import { messageSizeBytes } from './message-size.js';

/** Whoever wants one message of a run has to read all of them. */
const MAX_MESSAGES = 128;
/** Of bodies, and of properties that are not a repetition: the message that passes it is the run's last. */
const MAX_BYTES = 64 * 1024;

/** The built-in endpoint in a set of endpoints. */
export const BUILT_IN = 1;

/** A message and what routing has decided about it. */
export interface RoutedMessage {
  readonly message: HubMessage;
  /** The set of endpoints that get it. */
  readonly endpoints: number;
  readonly stamped: readonly StampedProperty[];
}

/** What consecutive messages of a sender have in common, and of each what differs. */
interface Stretch extends Omit<HubMessage, 'enqueuedMs' | 'body' | 'moduleId'> {
  readonly moduleId?: string | null | undefined;
  readonly stamped?: readonly StampedProperty[] | null | undefined;
  readonly messages: [enqueuedMs: number, endpoints: number, bodyBytes: number][];
}

/** Messages of one partition that were committed together, as a row holds them: a row for each would cost far more. */
export interface PackedRun {
  /** JSON of {@link Stretch} values. */
  readonly stretches: string;
  /** The bodies, one after the other. */
  readonly bodies: Uint8Array;
}

/** A run and its place in the log: that of its last message; the others have the places before it. */
export interface LoggedRun extends PackedRun {
  readonly last_sequence: number;
  readonly messages: number;
}

/** A run of which at least one message is an event: one of the built-in endpoint. */
export interface EventRun extends LoggedRun {
  /** The number of its last event within the partition; the others have the numbers before it. */
  readonly last_event: number;
}

/** A message of the log, and what routing has decided about it. */
export interface LoggedRoutedMessage extends RoutedMessage {
  /** Its place in the log. */
  readonly offset: number;
}

/** Cuts messages into what one run holds each. */
export function cutIntoRuns(messages: readonly RoutedMessage[]): RoutedMessage[][] {
  const runs: RoutedMessage[][] = [];
  let run: RoutedMessage[] | undefined;
  let bytes = 0;
  for (const routed of messages) {
    if (run === undefined || run.length === MAX_MESSAGES || bytes > MAX_BYTES) {
      run = [];
      runs.push(run);
      bytes = 0;
    }
    bytes += addedBytes(run.at(-1), routed);
    run.push(routed);
  }
  return runs;
}

function addedBytes(previous: RoutedMessage | undefined, routed: RoutedMessage): number {
  const { message, stamped } = routed;
  if (previous !== undefined && hasSameEnvelope(previous, routed)) return message.body.byteLength;
  return stamped.reduce((sum, [, key, value]) => sum + key.length + value.length, messageSizeBytes(message));
}

/** @param run messages of one partition. */
export function packRun(run: readonly RoutedMessage[]): PackedRun {
  const stretches: Stretch[] = [];
  const bodies: Uint8Array[] = [];
  let stretch: Stretch | undefined;
  let previous: RoutedMessage | undefined;
  for (const routed of run) {
    const { message, endpoints, stamped } = routed;
    if (stretch === undefined || previous === undefined || !hasSameEnvelope(previous, routed)) {
      const { source, deviceId, moduleId, generationId, authScope, authType, systemProperties, properties } = message;
      const sender = { source, deviceId, moduleId, generationId, authScope, authType };
      stretch = { ...sender, systemProperties, properties, ...(stamped.length > 0 && { stamped }), messages: [] };
      stretches.push(stretch);
    }
    stretch.messages.push([message.enqueuedMs, endpoints, message.body.byteLength]);
    bodies.push(message.body);
    previous = routed;
  }
  return { stretches: JSON.stringify(stretches), bodies: Buffer.concat(bodies) };
}

/** Whether all is the same but time, endpoints and body. A device that repeats itself is given the same objects again. */
function hasSameEnvelope({ message: a, stamped }: RoutedMessage, { message: b, stamped: stampedB }: RoutedMessage) {
  return (
    a.properties === b.properties &&
    a.systemProperties === b.systemProperties &&
    a.deviceId === b.deviceId &&
    a.moduleId === b.moduleId &&
    a.generationId === b.generationId &&
    a.authScope === b.authScope &&
    a.authType === b.authType &&
    a.source === b.source &&
    stamped.length === 0 &&
    stampedB.length === 0
  );
}

/** The messages that {@link packRun} was given. */
export function unpackRun({ last_sequence, messages: count, stretches, bodies }: LoggedRun): LoggedRoutedMessage[] {
  const run: LoggedRoutedMessage[] = [];
  let offset = last_sequence - count;
  let at = 0;
  for (const { messages, stamped, deviceId, moduleId, ...envelope } of JSON.parse(stretches) as Stretch[]) {
    for (const [enqueuedMs, endpoints, bodyBytes] of messages) {
      const identity = identityOf({ deviceId, moduleId: moduleId ?? undefined });
      const body = bodies.subarray(at, at + bodyBytes);
      offset += 1;
      run.push({ message: { ...identity, ...envelope, enqueuedMs, body }, endpoints, stamped: stamped ?? [], offset });
      at += bodyBytes;
    }
  }
  return run;
}

/** The sets of endpoints of a run's messages. */
export const endpointsOf = (stretches: string): number[] =>
  (JSON.parse(stretches) as Stretch[]).flatMap(({ messages }) => messages.map(([, endpoints]) => endpoints));

/** The events of a run, with their numbers within the partition. */
export function eventsOf(run: EventRun): (LoggedRoutedMessage & { readonly sequenceNumber: number })[] {
  const events = unpackRun(run).filter(({ endpoints }) => (endpoints & BUILT_IN) !== 0);
  const before = run.last_event - events.length;
  return events.map((event, index) => ({ ...event, sequenceNumber: before + 1 + index }));
}

/** The last event of a partition. */
export interface LastEnqueued {
  /** Its number within the partition. -1 before the first event. */
  readonly sequenceNumber: number;
  /** Its place in the log. -1 before the first event. */
  readonly offset: number;
  /** Milliseconds since 1970; year 1 before the first event. */
  readonly enqueuedMs: number;
}

/** The last event of a run. */
export function lastEventOf(run: EventRun): LastEnqueued {
  const last = eventsOf(run).at(-1);
  if (last === undefined) throw new Error(`Run ${run.last_sequence} has no event.`);
  return { sequenceNumber: last.sequenceNumber, offset: last.offset, enqueuedMs: last.message.enqueuedMs };
}
