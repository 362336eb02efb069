import { AmqpViolation } from './amqp-violation.js';
import { MAX_FRAME_BYTES } from './frame-stream.js';
import { forgetSettled, windowLeft } from './session-deliveries.js';
import { settleApart } from './settle-apart.js';
import type { RheaConnection, RheaFrame, RheaLink, RheaSession } from './rhea-types.js';

/** Sessions a connection may have. The SDKs use one, or one a link. */
export const MAX_SESSIONS = 64;
/** Links a session may have. */
export const MAX_LINKS = 256;
/** Frames one message may come in: enough for the longest, of the smallest frames that AMQP allows. */
const MAX_FRAMES_PER_MESSAGE = 1024;
/** AMQP's smallest: what every peer must take. With less, rhea would cut messages into pieces without end. */
const MIN_MAX_FRAME_BYTES = 512;
/** Below that, keeping a connection alive would be a load. */
const MIN_IDLE_TIMEOUT_MS = 1_000;
/** Deliveries that one disposition may settle: rhea visits each, also of a range of 4 billion. */
const MAX_DISPOSITION_RANGE = 65_536;
const MAX_NAME_LENGTH = 1024;

const MAX_UINT = 0xffff_ffff;
const SOURCE = 0x28;
const TARGET = 0x29;
/** Fields of an attach and of a disposition, by their place in the list. */
const ATTACH_SOURCE = 5;
const ATTACH_TARGET = 6;
const DISPOSITION_STATE = 4;
/** received, accepted, rejected, released, modified */
const FIRST_OUTCOME = 0x23;
const LAST_OUTCOME = 0x27;
const EMPTY = Buffer.alloc(0);

/** Event of a connection: a session's window, which was shut, takes messages again. rhea tells only of the link it came with. */
export const WINDOW_OPENED = 'window_opened';

type Check = (frame: RheaFrame) => void;

/**
 * Puts checks before rhea's own handling of each performative, where that would trust what a stranger sends: numbers that
 * drive loops, sessions and links without end, a message without end, more messages than credit was given for.
 * A check that fails throws {@link AmqpViolation}, which ends the connection.
 */
export function guardPerformatives(connection: RheaConnection): void {
  const handlers = connection as unknown as Record<string, Check>;
  const before = (name: string, check: Check, after?: Check) => {
    const handle = handlers[name];
    handlers[name] = (frame) => {
      if (name !== 'on_open' && !connection.is_remote_open()) throw new AmqpViolation(`${name} without an open`);
      check(frame);
      handle?.call(connection, frame);
      after?.(frame);
    };
  };
  before('on_open', checkOpen);
  before(
    'on_begin',
    (frame) => {
      checkBegin(connection, frame);
    },
    (frame) => {
      settleApart(sessionOf(connection, frame));
      forgetSettled(sessionOf(connection, frame));
    },
  );
  before(
    'on_attach',
    (frame) => {
      checkAttach(sessionOf(connection, frame), frame);
    },
    (frame) => {
      // rhea looks for it in the wrong place, and so would never forget a link.
      const handle = frame.performative.handle as number;
      const link = sessionOf(connection, frame).remote.handles[handle];
      if (link) link.remote.handle = handle;
    },
  );
  let wasShut = false;
  before(
    'on_flow',
    (frame) => {
      const session = sessionOf(connection, frame);
      checkFlow(session, frame);
      wasShut = windowLeft(session) <= 0;
    },
    (frame) => {
      if (wasShut && windowLeft(sessionOf(connection, frame)) > 0) connection.emit(WINDOW_OPENED);
    },
  );
  before('on_transfer', (frame) => {
    checkTransfer(sessionOf(connection, frame), frame);
  });
  before('on_disposition', checkDisposition);
  for (const name of ['on_detach', 'on_end', 'on_close']) before(name, () => undefined);
}

function sessionOf(connection: RheaConnection, { channel }: RheaFrame): RheaSession {
  const session = connection.remote_channel_map[channel];
  if (!session) throw new AmqpViolation(`no session on channel ${channel}`);
  return session;
}

function linkOf(session: RheaSession, handle: unknown): RheaLink {
  const link = isUint(handle) ? session.remote.handles[handle] : undefined;
  if (!link) throw new AmqpViolation('no link with this handle');
  return link;
}

const isUint = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_UINT;

function checkUint(name: string, value: unknown): void {
  if (value !== undefined && value !== null && !isUint(value)) throw new AmqpViolation(`${name} is not a number`);
}

function checkOpen({ performative }: RheaFrame): void {
  const { container_id: containerId, max_frame_size: maxFrame, idle_time_out: idle } = performative;
  if (typeof containerId !== 'string') throw new AmqpViolation('the container id is not a string');
  checkUint('max-frame-size', maxFrame);
  checkUint('idle-time-out', idle);
  if (isUint(maxFrame) && maxFrame < MIN_MAX_FRAME_BYTES) {
    throw new AmqpViolation(`max-frame-size is below ${MIN_MAX_FRAME_BYTES}`);
  }
  // One frame is built whole before it is sent.
  if (maxFrame === undefined || maxFrame === null || Number(maxFrame) > MAX_FRAME_BYTES) {
    performative.max_frame_size = MAX_FRAME_BYTES;
  }
  if (isUint(idle) && idle > 0 && idle < MIN_IDLE_TIMEOUT_MS) {
    throw new AmqpViolation(`idle-time-out is below ${MIN_IDLE_TIMEOUT_MS} ms`);
  }
}

function checkBegin(connection: RheaConnection, { channel, performative }: RheaFrame): void {
  if (connection.remote_channel_map[channel]) throw new AmqpViolation(`channel ${channel} is in use`);
  if (Object.keys(connection.local_channel_map).length >= MAX_SESSIONS) {
    throw new AmqpViolation(`more than ${MAX_SESSIONS} sessions`, 'amqp:resource-limit-exceeded');
  }
  for (const name of ['next_outgoing_id', 'incoming_window', 'outgoing_window']) checkUint(name, performative[name]);
}

function checkAttach(session: RheaSession, { performative }: RheaFrame): void {
  const { name, handle, role } = performative;
  if (typeof name !== 'string' || name.length > MAX_NAME_LENGTH) throw new AmqpViolation('no fit name for a link');
  if (!isUint(handle)) throw new AmqpViolation('the handle is not a number');
  if (typeof role !== 'boolean') throw new AmqpViolation('the role is not a boolean');
  if (session.remote.handles[handle])
    throw new AmqpViolation(`handle ${handle} is in use`, 'amqp:session:handle-in-use');
  if (Object.hasOwn(session.links, name)) throw new AmqpViolation('a link of this name is attached');
  if (Object.keys(session.links).length >= MAX_LINKS) {
    throw new AmqpViolation(`more than ${MAX_LINKS} links on a session`, 'amqp:resource-limit-exceeded');
  }
  checkUint('initial-delivery-count', performative.initial_delivery_count);
  keepKnown(performative.value, ATTACH_SOURCE, SOURCE, SOURCE);
  keepKnown(performative.value, ATTACH_TARGET, TARGET, TARGET);
}

function checkFlow(session: RheaSession, { performative }: RheaFrame): void {
  for (const name of [
    'next_incoming_id',
    'incoming_window',
    'next_outgoing_id',
    'outgoing_window',
    'delivery_count',
    'link_credit',
  ]) {
    checkUint(name, performative[name]);
  }
  // Before the client knows where we begin: at the first.
  performative.next_incoming_id ??= 0;
  const { handle } = performative;
  if (handle === undefined || handle === null) return;
  const link = linkOf(session, handle);
  // A sender has nothing to drain; rhea would take its word for the credit we have given.
  if (link.is_receiver()) performative.drain = false;
  performative.delivery_count ??= link.delivery_count;
  performative.link_credit ??= 0;
  // Credit that was taken back while messages were under way.
  if (Number(performative.delivery_count) + Number(performative.link_credit) < link.delivery_count) {
    performative.link_credit = 0;
    performative.delivery_count = link.delivery_count;
  }
}

function checkTransfer(session: RheaSession, frame: RheaFrame): void {
  const { performative } = frame;
  const link = linkOf(session, performative.handle);
  if (!link.is_receiver()) throw new AmqpViolation('a transfer on a link that only receives');
  checkUint('delivery-id', performative.delivery_id);
  const incomplete = link._incomplete;
  if (incomplete === undefined && link.credit <= 0) {
    throw new AmqpViolation('more messages than credit', 'amqp:link:transfer-limit-exceeded');
  }
  // Else rhea would not read it: that a message is AMQP's own goes without saying.
  if (incomplete === undefined) performative.message_format ??= 0;
  frame.payload ??= EMPTY;
  const frames = incomplete?.frames ?? [];
  const sizeBytes = frames.reduce((sum, { length }) => sum + length, frame.payload.length);
  const tooLarge = sizeBytes > link.local.attach.max_message_size || frames.length >= MAX_FRAMES_PER_MESSAGE;
  if (performative.aborted === true) link.refusal = 'aborted';
  else if (tooLarge) link.refusal = 'too-large';
  else if (incomplete === undefined) link.refusal = undefined;
  if (link.refusal === undefined) return;
  // The rest of it is let go by; what reads the message finds the mark.
  frame.payload = EMPTY;
  frames.length = 0;
}

function checkDisposition({ performative }: RheaFrame): void {
  const { first, last } = performative;
  if (!isUint(first)) throw new AmqpViolation('a disposition of nothing');
  checkUint('last', last);
  if (isUint(last) && (last < first || last - first > MAX_DISPOSITION_RANGE)) {
    throw new AmqpViolation('a disposition of too many deliveries');
  }
  keepKnown(performative.value, DISPOSITION_STATE, FIRST_OUTCOME, LAST_OUTCOME);
}

/** Leaves out a described value that rhea would only complain of on the console. */
function keepKnown(fields: unknown[], at: number, first: number, last: number): void {
  const field = fields[at] as { descriptor?: { value?: unknown } } | undefined | null;
  const descriptor = field?.descriptor?.value;
  const isKnown =
    typeof descriptor === 'number' ? descriptor >= first && descriptor <= last : typeof descriptor === 'string';
  if (!isKnown) fields[at] = undefined;
}
