import type { SeededRandom } from '../support/seeded-random.js';

const EXTREMES = [0x00, 0x01, 0x7f, 0x80, 0xff];

/** Ways to spoil bytes. */
const MUTATIONS: ((bytes: Buffer, random: SeededRandom, others: readonly Buffer[]) => Buffer)[] = [
  // A bit, or some.
  (bytes, random) => {
    for (let flips = random.int(1, 4); flips > 0; flips -= 1) {
      const at = random.int(0, bytes.length - 1);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.int(0, 7)), at);
    }
    return bytes;
  },
  // A byte that may be a length or a type, in the beginning where those are.
  (bytes, random) => {
    bytes.writeUInt8(random.pick(EXTREMES), random.int(0, Math.min(bytes.length - 1, 16)));
    return bytes;
  },
  // Four bytes of an extreme number, anywhere.
  (bytes, random) => {
    const at = random.int(0, bytes.length - 1);
    return bytes.fill(random.pick(EXTREMES), at, Math.min(bytes.length, at + 4));
  },
  // Cut off, in the middle or behind.
  (bytes, random) => bytes.subarray(0, random.int(1, bytes.length)),
  (bytes, random) => {
    const at = random.int(0, bytes.length - 1);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.int(1, 8))]);
  },
  // Something put in: noise, itself again, another one.
  (bytes, random) => insert(bytes, random, random.bytes(random.int(1, 64))),
  (bytes, random) => insert(bytes, random, bytes),
  (bytes, random, others) => insert(bytes, random, random.pick(others)),
  // Nothing but noise.
  (_bytes, random) => random.bytes(random.int(1, 512)),
];

function insert(bytes: Buffer, random: SeededRandom, more: Buffer): Buffer {
  const at = random.int(0, bytes.length);
  return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
}

/** A frame that no client would send, made of one that some client does. */
export function spoilt(frames: readonly Buffer[], random: SeededRandom): Buffer {
  let bytes = Buffer.from(random.pick(frames));
  for (let times = random.int(1, 3); times > 0 && bytes.length > 0; times -= 1) {
    bytes = Buffer.from(random.pick(MUTATIONS)(bytes, random, frames));
  }
  return bytes;
}
