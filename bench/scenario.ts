/** One line of the printed table. */
export interface Result {
  /** What was measured. */
  what: string;
  measured: string;
  /** The same job without our part, measured in the same run; empty where there is none. */
  baseline?: string;
  goal?: string;
  /** Whether the goal was met; left out where there is none. */
  met?: boolean;
}

/** A group of measurements that share what they start. */
export interface Scenario {
  name: string;
  run: () => Promise<Result[]>;
}

/** The value below which `fraction` of the values lie. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Runs `work` and gives its duration in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

export const formatMs = (milliseconds: number): string =>
  milliseconds < 1_000 ? `${milliseconds.toFixed(1)} ms` : `${(milliseconds / 1_000).toFixed(2)} s`;

export const formatMib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
