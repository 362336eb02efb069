import { SEED } from './torture-run.js';

/** Random choices that a seed repeats. */
export class SeededRandom {
  private state: number;

  /** @param stream tells apart what uses the same seed: each has numbers of its own. */
  constructor(stream: string, seed = SEED) {
    this.state = seed;
    for (const character of stream) this.state = (Math.imul(this.state, 31) + (character.codePointAt(0) ?? 0)) | 0;
  }

  /** From 0 up to 1, without 1 (Mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.int(0, values.length - 1)];
    if (value === undefined) throw new Error('There is nothing to choose from.');
    return value;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.int(0, 255)));
  }
}
