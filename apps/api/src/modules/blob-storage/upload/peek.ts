import { Readable } from 'node:stream';

/** The first bytes of a stream, up to `headBytes`, and a stream of all its bytes. */
export async function peek(source: Readable, headBytes: number): Promise<{ head: Buffer; whole: Readable }> {
  const chunks = source[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  const seen: Buffer[] = [];
  let seenBytes = 0;
  while (seenBytes < headBytes) {
    const next = await chunks.next();
    if (next.done) break;
    seen.push(next.value);
    seenBytes += next.value.length;
  }
  const first = Buffer.concat(seen);
  async function* all(): AsyncGenerator<Buffer> {
    if (first.length > 0) yield first;
    yield* { [Symbol.asyncIterator]: () => chunks };
  }
  return { head: first.subarray(0, headBytes), whole: Readable.from(all(), { objectMode: false }) };
}
