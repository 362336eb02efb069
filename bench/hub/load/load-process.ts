import { processorMs } from '../../process-usage.js';

/** Processor time within the measured time, as shares of one core. */
export interface Usage {
  readonly generator: number;
  readonly server: number;
}

/** The order of a load process: its only argument, in JSON. */
export const loadOrder = (): unknown => JSON.parse(process.argv[2] ?? '');

/** Tells the parent what was measured, and ends. */
export function finish(result: object): void {
  process.stdout.write(`${JSON.stringify({ ready: 'result', ...result })}\n`, () => process.exit(0));
}

/**
 * Lets the load run warm, then measures it for a while.
 *
 * @param begin called at the start of the measured time, to set counters to 0.
 */
export async function measure(
  { warmUpMs, measureMs, serverPid }: { warmUpMs: number; measureMs: number; serverPid: number },
  begin: () => void,
): Promise<{ seconds: number; usage: Usage }> {
  await delay(warmUpMs);
  begin();
  const startedMs = performance.now();
  const [generatorBefore, serverBefore] = [processorMs(process.pid), processorMs(serverPid)];
  await delay(measureMs);
  const elapsedMs = performance.now() - startedMs;
  return {
    seconds: elapsedMs / 1_000,
    usage: {
      generator: (processorMs(process.pid) - generatorBefore) / elapsedMs,
      server: (processorMs(serverPid) - serverBefore) / elapsedMs,
    },
  };
}

const delay = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
