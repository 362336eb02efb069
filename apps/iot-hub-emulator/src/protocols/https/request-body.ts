import type { IncomingMessage } from 'node:http';
import { HubError } from '../../hub/errors/hub-errors.js';
import type { JsonValue } from '../../hub/json.js';
import { parseJson } from '../../hub/parse-json.js';

/** For bodies that hold one device, twin, query or method call; well above what their own limits allow. */
const DEFAULT_LIMIT_BYTES = 1024 * 1024;
/** How much of a body that is too large is read and thrown away, so that the client gets its answer and no reset. */
const DRAINED_BYTES = 4 * 1024 * 1024;

/** The whole body. @throws {@link HubError} `MessageTooLarge` when it is longer than the limit. */
export function readBody(request: IncomingMessage, limitBytes = DEFAULT_LIMIT_BYTES): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let sizeBytes = 0;
    const refuse = () => {
      reject(new HubError('MessageTooLarge', `The body is longer than ${limitBytes} bytes.`));
    };
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes <= limitBytes) {
        chunks.push(chunk);
      } else {
        chunks = [];
        if (sizeBytes > limitBytes + DRAINED_BYTES) refuse();
      }
    });
    request.on('end', () => {
      if (sizeBytes > limitBytes) refuse();
      else resolve(Buffer.concat(chunks, sizeBytes));
    });
    request.on('error', reject);
    request.on('aborted', () => {
      reject(new HubError('ArgumentInvalid', 'The body ended early.'));
    });
  });
}

/** The body's JSON value. @throws {@link HubError} `MessageTooLarge`, `IotHubFormatError`. */
export async function readJson(request: IncomingMessage, limitBytes?: number): Promise<JsonValue> {
  return parseJson(await readBody(request, limitBytes));
}
