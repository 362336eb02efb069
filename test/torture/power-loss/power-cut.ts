import type { SeededRandom } from '../support/seeded-random.js';

/** The least that a disk writes whole. */
const SECTOR_BYTES = 512;

/** What a disk may hold, from a place on, of bytes that were written but not flushed when the power went. */
const LEFTOVERS = {
  /** Nothing: the file had not grown yet. */
  cut: (written: Buffer, from: number) => written.subarray(0, from),
  /** The file had grown, but its data never came. */
  zeros: (written: Buffer, from: number) =>
    Buffer.concat([written.subarray(0, from), Buffer.alloc(written.length - from)]),
  garbage: (written: Buffer, from: number, { random }: Leftover) =>
    Buffer.concat([written.subarray(0, from), random.bytes(Math.min(written.length - from, 64 * SECTOR_BYTES))]),
  /** What was in the file before. */
  old: (written: Buffer, from: number, { before }: Leftover) =>
    Buffer.concat([written.subarray(0, from), before.subarray(from)]),
  /** Some sectors had been written, others not, in no order. */
  sectors: (written: Buffer, from: number, leftover: Leftover) => someSectors(written, from, leftover),
  /** All of it had been written, but for one bit. */
  bit: (written: Buffer, from: number, { random }: Leftover) => {
    const flipped = Buffer.from(written);
    const at = random.int(from, written.length - 1);
    flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << random.int(0, 7)), at);
    return flipped;
  },
} satisfies Record<string, (written: Buffer, from: number, leftover: Leftover) => Buffer>;

interface Leftover {
  /** The file as it was when everything before was flushed. */
  readonly before: Buffer;
  readonly random: SeededRandom;
}

export type LeftoverKind = keyof typeof LEFTOVERS;

export const LEFTOVER_KINDS = Object.keys(LEFTOVERS) as LeftoverKind[];

/** The file that a power cut leaves when the bytes from `from` on were on their way to the disk. */
export function afterPowerCut(kind: LeftoverKind, written: Buffer, from: number, leftover: Leftover): Buffer {
  return from >= written.length ? written : LEFTOVERS[kind](written, from, leftover);
}

/** Each sector from `from` on as it was, or as it was to be. */
export function someSectors(written: Buffer, from: number, { before, random }: Leftover): Buffer {
  const result = Buffer.from(written);
  const share = random.next();
  for (let at = from; at < result.length; at += SECTOR_BYTES - (at % SECTOR_BYTES)) {
    if (random.chance(share)) continue;
    const end = Math.min(result.length, at + SECTOR_BYTES - (at % SECTOR_BYTES));
    result.fill(0, at, end);
    if (at < before.length) before.copy(result, at, at, Math.min(end, before.length));
  }
  return result;
}
