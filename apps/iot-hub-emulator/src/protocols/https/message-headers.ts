import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { HubError } from '../../hub/errors/hub-errors.js';
import type { DeviceMessage, MessageSystemProperties } from '../../hub/messages/device-message.js';
import { invalidInput } from '../../hub/registry/identity-input.js';

const USER_PREFIX = 'iothub-app-';
const SYSTEM_HEADERS: ReadonlyMap<string, keyof MessageSystemProperties> = new Map([
  ['iothub-messageid', 'messageId'],
  ['iothub-correlationid', 'correlationId'],
  ['iothub-userid', 'userId'],
  ['iothub-to', 'to'],
  ['iothub-expiry', 'expiryTimeUtc'],
  ['iothub-contenttype', 'contentType'],
  ['iothub-contentencoding', 'contentEncoding'],
  ['iothub-interface-id', 'interfaceId'],
  ['iothub-creation-time-utc', 'creationTimeUtc'],
  ['dt-subject', 'subject'],
]);

/** A message whose properties came as headers; names of user properties keep their case. */
export function messageFromHeaders({ rawHeaders }: IncomingMessage, body: Uint8Array): DeviceMessage {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) pairs.push([rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '']);
  return { body, ...sortProperties(pairs) };
}

const batchSchema = z
  .array(
    z.object({
      body: z.string(),
      // False when a C or Java device sends text.
      base64Encoded: z.boolean().nullish(),
      properties: z.record(z.string(), z.string()).nullish(),
    }),
  )
  .min(1);

/**
 * The messages of a batch: `[{ "body": "{base64}", "properties": { "iothub-app-{name}": "{value}" } }]`, the body as it is
 * with `"base64Encoded": false`.
 *
 * @throws {@link HubError} `ArgumentInvalid`.
 */
export function messagesFromBatch(batch: unknown): DeviceMessage[] {
  const parsed = batchSchema.safeParse(batch);
  if (!parsed.success) throw invalidInput(parsed.error);
  return parsed.data.map(({ body, base64Encoded, properties }, index) => ({
    body: base64Encoded === false ? Buffer.from(body) : decodeBase64(body, index),
    ...sortProperties(Object.entries(properties ?? {})),
  }));
}

function decodeBase64(body: string, index: number): Buffer {
  const bytes = Buffer.from(body, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== body.replace(/=+$/, '')) {
    throw new HubError('ArgumentInvalid', `The body of message ${index} is not base64.`);
  }
  return bytes;
}

function sortProperties(pairs: readonly [string, string][]): Omit<DeviceMessage, 'body'> {
  const systemProperties: MessageSystemProperties = {};
  const properties = new Map<string, string>();
  for (const [name, value] of pairs) {
    const lowerCase = name.toLowerCase();
    const system = SYSTEM_HEADERS.get(lowerCase);
    if (system !== undefined) systemProperties[system] = value;
    else if (lowerCase.startsWith(USER_PREFIX)) properties.set(name.slice(USER_PREFIX.length), value);
  }
  return { systemProperties, properties: Object.fromEntries(properties) };
}
