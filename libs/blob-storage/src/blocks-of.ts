import type { Readable } from 'node:stream';
import { storageError } from './storage-errors.js';

/** Bytes of one block; at most {@link BLOCK_BUFFERS} of them are in memory. */
const BLOCK_SIZE_BYTES = 4 * 1024 * 1024;
/** One block fills while the other is on its way. */
const BLOCK_BUFFERS = 2;

export interface Block {
  /** Valid until the second next block is asked for: the buffers are used in turn. */
  bytes: Buffer;
  isLast: boolean;
}

/**
 * Gathers a stream into blocks of {@link BLOCK_SIZE_BYTES}; an empty stream gives one empty block.
 *
 * @throws {@link AppError} `BLOB.UPLOAD_INCOMPLETE` when the stream is closed before its end; otherwise its own error.
 */
export async function* blocksOf(source: Readable): AsyncGenerator<Block> {
  const buffers: Buffer[] = [];
  let turn = 0;
  let filled = 0;
  const gathered = (isLast: boolean): Block => ({
    bytes: (buffers[turn] ?? Buffer.alloc(0)).subarray(0, filled),
    isLast,
  });
  for await (const chunk of chunksOf(source)) {
    for (let taken = 0; taken < chunk.length;) {
      if (filled === BLOCK_SIZE_BYTES) {
        yield gathered(false);
        turn = (turn + 1) % BLOCK_BUFFERS;
        filled = 0;
      }
      const copied = chunk.copy((buffers[turn] ??= Buffer.allocUnsafeSlow(BLOCK_SIZE_BYTES)), filled, taken);
      taken += copied;
      filled += copied;
    }
  }
  yield gathered(true);
}

async function* chunksOf(source: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of source) yield chunk as Buffer;
  } catch (cause) {
    throw closedEarly(cause) ? storageError('BLOB.UPLOAD_INCOMPLETE', { cause }) : cause;
  }
}

function closedEarly(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
}
