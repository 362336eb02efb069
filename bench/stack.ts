import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadLocalStackConfig } from '../apps/local-stack/src/local-stack.config.js';
import { LocalStack, type StackFacts } from '../apps/local-stack/src/local-stack.js';

/** Runs `work` against what `npm start` starts, on free ports with a fresh data folder. */
export async function withStack<T>(work: (facts: StackFacts, stack: LocalStack) => Promise<T>): Promise<T> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'spyglass-bench-'));
  const stack = new LocalStack(
    loadLocalStackConfig({
      DATA_DIR: dataDirectory,
      API_PORT: '0',
      IOT_HUB_EMULATOR_PORT: '0',
      IOT_HUB_EMULATOR_STANDARD_PORTS: 'false',
      AZURITE_PORT: '0',
      LOCAL_COSMOS_PORT: '0',
      LOCAL_VISION_PORT: '0',
      RATE_LIMIT_PER_MINUTE: '0',
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
