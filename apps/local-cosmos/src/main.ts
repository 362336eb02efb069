import { closeOnSignal, createLogger, failureText } from '#libs/runtime';
import { startLocalCosmos } from './index.js';
import { loadConfig } from './local-cosmos.config.js';

async function main(): Promise<void> {
  const config = loadConfig();
  const logger = createLogger({ name: 'local-cosmos', level: config.logLevel });
  const server = await startLocalCosmos({ ...config, logger });
  closeOnSignal(() => server.close());
  console.log(JSON.stringify({ ready: 'local-cosmos', url: server.url, connectionString: server.connectionString }));
}

main().catch((error: unknown) => {
  console.error(failureText(error));
  process.exit(1);
});
