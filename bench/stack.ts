import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FREE_PORTS, loadLocalStackConfig } from '../apps/local-stack/src/local-stack.config.js';
import { LocalStack, type StackFacts } from '../apps/local-stack/src/local-stack.js';

/** Runs `work` against what `npm start` starts, on free ports with a fresh data folder. */
export async function withStack<T>(work: (facts: StackFacts, stack: LocalStack) => Promise<T>): Promise<T> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'spyglass-bench-'));
  const stack = new LocalStack(
    loadLocalStackConfig({
      DATA_DIR: dataDirectory,
      ...FREE_PORTS,
      CORE_LOG_LEVEL: 'warning',
    }),
  );
  try {
    return await work(await stack.start(), stack);
  } finally {
    await stack.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  }
}
