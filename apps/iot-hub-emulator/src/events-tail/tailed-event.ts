import type { ReceivedEventData } from '@azure/event-hubs';

/** An event as `events tail` tells of it. */
export interface TailedEvent {
  readonly enqueuedTimeUtc: string;
  readonly deviceId?: string;
  readonly moduleId?: string;
  /** `Telemetry`, `twinChangeEvents`, … */
  readonly source?: string;
  readonly partitionId: string;
  readonly sequenceNumber: number;
  readonly offset: string;
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  /** Application properties. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** JSON where it is that, otherwise text; of bytes that are neither there is `bodyBase64`. */
  readonly body?: unknown;
  readonly bodyBase64?: string;
}

/** Takes apart what the SDK gives when it is not to read bodies itself. */
export function toTailedEvent(event: ReceivedEventData, partitionId: string): TailedEvent {
  const system = event.systemProperties ?? {};
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  const named = {
    deviceId: text(system['iothub-connection-device-id']),
    moduleId: text(system['iothub-connection-module-id']),
    source: text(system['iothub-message-source']),
    messageId: text(event.messageId),
    correlationId: text(event.correlationId),
    contentType: event.contentType,
    contentEncoding: text(system.contentEncoding),
  };
  return {
    enqueuedTimeUtc: event.enqueuedTimeUtc.toISOString(),
    partitionId,
    sequenceNumber: event.sequenceNumber,
    offset: event.offset,
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    properties: event.properties ?? {},
    ...readBody(event.body),
  };
}

function readBody(body: unknown): Pick<TailedEvent, 'body' | 'bodyBase64'> {
  if (!Buffer.isBuffer(body)) return { body };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return { bodyBase64: body.toString('base64') };
  }
  try {
    return { body: JSON.parse(text) as unknown };
  } catch {
    return { body: text };
  }
}
