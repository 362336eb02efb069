/** How long the hub's scenarios measure. */
export interface HubBenchSettings {
  /** Paired rounds; every figure is the median of them. */
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly idleDevices: number;
  readonly retainedMessages: number;
}

const FULL: HubBenchSettings = {
  rounds: 5,
  warmUpMs: 3_000,
  measureMs: 8_000,
  idleDevices: 5_000,
  retainedMessages: 1_000_000,
};

/** To see that a scenario works; its figures say little. */
const QUICK: HubBenchSettings = {
  rounds: 1,
  warmUpMs: 1_000,
  measureMs: 2_000,
  idleDevices: 1_000,
  retainedMessages: 100_000,
};

/** `--quick` on the command line makes everything short. */
export const settings: HubBenchSettings = process.argv.includes('--quick') ? QUICK : FULL;
