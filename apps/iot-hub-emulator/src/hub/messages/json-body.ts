import type { JsonValue } from '../json.js';
import type { MessageSystemProperties } from './device-message.js';

/** A body that is JSON, or why it is not taken for it. */
export type JsonBody = { readonly value: JsonValue } | { readonly reason: string };

/** Decoders by names in lower case. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-routing-query-syntax */
const DECODERS: ReadonlyMap<string, (bytes: Uint8Array) => string> = new Map([
  ['utf-8', decoder('utf-8')],
  ['utf-16', decoder('utf-16le')],
  ['utf-32', decodeUtf32],
]);

/** Reads a body as JSON, which content type and encoding must both announce. */
export function readJsonBody(
  body: Uint8Array,
  { contentType, contentEncoding }: Pick<MessageSystemProperties, 'contentType' | 'contentEncoding'>,
): JsonBody {
  if (!isJson(contentType)) {
    return { reason: contentType ? 'its content type is not application/json' : 'it has no content type' };
  }
  const decode = DECODERS.get(contentEncoding ?? '') ?? DECODERS.get(contentEncoding?.trim().toLowerCase() ?? '');
  if (decode === undefined) {
    return {
      reason: contentEncoding ? 'its content encoding is not utf-8, utf-16 or utf-32' : 'it has no content encoding',
    };
  }
  try {
    return { value: JSON.parse(decode(body)) as JsonValue };
  } catch {
    return { reason: `its bytes are not JSON in ${contentEncoding ?? ''}` };
  }
}

/** Parameters may follow, and case does not matter; nearly every message has it in the plain form. */
const isJson = (contentType: string | undefined): boolean =>
  contentType === 'application/json' || contentType?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json';

/** One for all messages: it keeps nothing from one text to the next, and is dear to make. */
function decoder(encoding: string): (bytes: Uint8Array) => string {
  const strict = new TextDecoder(encoding, { fatal: true });
  return (bytes) => strict.decode(bytes);
}

function decodeUtf32(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text = '';
  for (let at = 0; at < bytes.byteLength; at += 4) text += String.fromCodePoint(view.getUint32(at, true));
  return text.replace(/^\uFEFF/, '');
}
