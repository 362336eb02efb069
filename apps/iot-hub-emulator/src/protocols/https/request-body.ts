import type { IncomingMessage } from 'node:http';
import { HubError } from '../../hub/errors/hub-errors.js';
import type { JsonValue } from '../../hub/json.js';
import { parseJson } from '../../hub/parse-json.js';

/** For bodies that hold one device, twin, query or method call; well above what their own limits allow. */
const DEFAULT_LIMIT_BYTES = 1024 * 1024;
/** How much of a body nobody wants is read and thrown away, so that the client gets its answer and no reset. */
const DRAINED_BYTES = 4 * 1024 * 1024;

/** The whole body. @throws {@link HubError} `MessageTooLarge` when it is longer than the limit. */
export function readBody(request: IncomingMessage, limitBytes = DEFAULT_LIMIT_BYTES): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes <= limitBytes) return;
      request.off('data', take);
      reject(new HubError('MessageTooLarge', `The body is longer than ${limitBytes} bytes.`));
    };
    request.on('data', take);
    request.on('end', () => {
      resolve(Buffer.concat(chunks, sizeBytes));
    });
    request.on('error', reject);
  });
}

/** Reads what is left of a body and throws it away; resolves early when that is too much. */
export function drainBody(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    if (request.complete || request.destroyed) {
      resolve();
      return;
    }
    let sizeBytes = 0;
    const take = (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > DRAINED_BYTES) stop();
    };
    const stop = () => {
      request.off('data', take);
      resolve();
    };
    request.on('data', take).on('end', stop).on('close', stop);
    request.resume();
  });
}

/** The body's JSON value. @throws {@link HubError} `MessageTooLarge`, `IotHubFormatError`. */
export async function readJson(request: IncomingMessage, limitBytes?: number): Promise<JsonValue> {
  return parseJson(await readBody(request, limitBytes));
}
