import { appendFileSync } from 'node:fs';

/** Whether the scenarios run at full size, as `npm run test:torture` has it; `npm test` runs a short form of each. */
export const FULL = process.env.TORTURE_FULL === '1';

/** Repeats a run: `npm run test:torture -- --seed 7`. The short form always has the same one. */
export const SEED = Number(process.env.TORTURE_SEED ?? 1);

/** How much of something a scenario does. */
export const sized = (full: number, short: number): number => (FULL ? full : short);

/** A measured value of a scenario. */
interface Figure {
  readonly scenario: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** Highest value that is good. */
  readonly atMost?: number;
}

/**
 * Puts a value into the summary that ends a full run, which fails when the value is above `atMost`. The short form takes no
 * notice: how fast a machine is decides no test there.
 */
export function figure(value: Figure): void {
  const file = process.env.TORTURE_FIGURES;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(value)}\n`);
}

/** The value that a share (0.5: half) of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
