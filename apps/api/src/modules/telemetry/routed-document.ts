import { MESSAGE_KIND_PROPERTY } from '#libs/contracts';
import type { MessageBody, TelemetryMessage } from './telemetry-message.js';

/**
 * What IoT Hub's routing writes into Cosmos DB for a message; of the system properties only those that are read here.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-d2c
 */
export interface RoutedDocument {
  readonly id: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly SystemProperties: {
    readonly 'iothub-connection-device-id': string;
    readonly 'iothub-enqueuedtime': string;
    readonly 'iothub-message-source'?: string;
    readonly 'iothub-content-type'?: string;
    readonly 'iothub-content-encoding'?: string;
  };
  readonly Body?: unknown;
}

/** Deeper JSON serves nobody, and writing it out would need a stack to match. */
const MAX_JSON_DEPTH = 64;

/** The message that a document holds. */
export function readRoutedDocument({ id, Properties = {}, SystemProperties, Body }: RoutedDocument): TelemetryMessage {
  const kind = Properties[MESSAGE_KIND_PROPERTY];
  return {
    id,
    deviceId: SystemProperties['iothub-connection-device-id'],
    kind: typeof kind === 'string' ? kind : undefined,
    enqueuedTime: SystemProperties['iothub-enqueuedtime'],
    source: SystemProperties['iothub-message-source'],
    properties: Properties,
    body: saysJson(SystemProperties) ? asJson(Body ?? null) : readBody(Body ?? null),
  };
}

/** When the hub stores a body as JSON; see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-routing-query-syntax */
function saysJson(properties: RoutedDocument['SystemProperties']): boolean {
  const { 'iothub-content-type': type = '', 'iothub-content-encoding': encoding = '' } = properties;
  return /^application\/json\s*(?:;|$)/i.test(type) && /^utf-(?:8|16|32)$/i.test(encoding);
}

function readBody(stored: unknown): MessageBody {
  if (typeof stored !== 'string') return asJson(stored);
  const bytes = Buffer.from(stored, 'base64');
  // What does not encode to the same text again was none.
  if (bytes.toString('base64') !== stored) return { value: stored, format: 'text', wasBase64: false };
  const text = asText(bytes);
  if (text === undefined) return { value: stored, format: 'base64', wasBase64: true };
  const json = parseJson(text);
  return json === undefined
    ? { value: text, format: 'text', wasBase64: true }
    : { value: json, format: 'json', wasBase64: true };
}

function asJson(value: unknown): MessageBody {
  return { value, format: 'json', wasBase64: false };
}

function asText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Undefined for what is no JSON, or nested too deep. */
function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return isShallow(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isShallow(value: unknown): boolean {
  let level = [value].filter(isNested);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === MAX_JSON_DEPTH) return false;
    level = level.flatMap((entry) => Object.values(entry).filter(isNested));
  }
  return true;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
