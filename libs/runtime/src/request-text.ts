import type { IncomingMessage } from 'node:http';

/**
 * A request's body as UTF-8 text; undefined when it has more than `limitBytes`. Nothing beyond the limit is kept, and the
 * connection can answer this request and serve the next.
 */
export async function readRequestText(request: IncomingMessage, limitBytes: number): Promise<string | undefined> {
  if (Number(request.headers['content-length']) > limitBytes) return undefined;
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  // Leaving the loop must not destroy the connection, or the refusal would not arrive.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > limitBytes) break;
    chunks.push(chunk);
  }
  if (sizeBytes <= limitBytes) return Buffer.concat(chunks).toString('utf8');
  // What is left unread would stand before the next request on this connection.
  request.resume();
  return undefined;
}
