import { HubError } from './errors/hub-errors.js';
import type { JsonValue } from './json.js';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * The JSON value in UTF-8 bytes.
 *
 * @throws {@link HubError} `IotHubFormatError` when it is no JSON, or no UTF-8.
 */
export function parseJson(bytes: Uint8Array): JsonValue {
  try {
    return JSON.parse(utf8.decode(bytes)) as JsonValue;
  } catch (cause) {
    throw new HubError('IotHubFormatError', 'The body is not valid JSON in UTF-8.', { cause });
  }
}
