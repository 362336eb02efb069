import type { TortureHub } from '../support/torture-hub.js';

/** Something that clients do with a hub which is killed under them, again and again. */
export interface Work {
  readonly name: string;
  /**
   * Works until the hub is gone, and tells of each thing that the hub has acknowledged.
   *
   * @throws {@link Violation} when the hub is at fault, any other error when it is gone.
   */
  run(hub: TortureHub, onAcknowledged: () => void): Promise<never>;
  /** Looks at the hub that is running again. @throws Error when something acknowledged is missing, or out of order. */
  check(hub: TortureHub): Promise<void>;
  /** Looks again when no more is to come. */
  finish?(hub: TortureHub): Promise<void>;
}

/** Repeats `step` in several lanes side by side until it fails in all of them. @throws what is the hub's fault before all else */
export async function repeat(step: () => Promise<void>, lanes = 1): Promise<never> {
  const lane = async (): Promise<never> => {
    for (;;) await step();
  };
  const ends = await Promise.allSettled(Array.from({ length: lanes }, lane));
  const causes = ends.map((end) => (end.status === 'rejected' ? (end.reason as unknown) : undefined));
  throw causes.find((cause) => cause instanceof Violation) ?? causes[0];
}

/** The hub has broken its word. */
export class Violation extends Error {}
