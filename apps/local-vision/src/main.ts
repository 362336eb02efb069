import { AppError, closeOnSignal, createLogger, failureText } from '#libs/runtime';
import { startLocalVision } from './index.js';
import { loadConfig } from './local-vision.config.js';

const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

async function main(): Promise<void> {
  const config = loadConfig();
  const logger = createLogger({ name: 'local-vision', level: config.logLevel });
  const server = await startLocalVision({ ...config, logger }).catch((cause: unknown) => {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE')) throw cause;
    throw new AppError('LOCAL_VISION.PORT_BUSY', `Port ${config.port} on ${config.host} is busy.`, {
      hint: 'Set LOCAL_VISION_PORT to a free port.',
      cause,
    });
  });
  if (!LOOPBACK.includes(config.host))
    logger.warn('Everybody who reaches this port can use it: there is no authentication.');
  closeOnSignal(() => server.close());
  console.log(JSON.stringify({ ready: 'local-vision', url: server.url }));
}

main().catch((error: unknown) => {
  console.error(failureText(error));
  process.exit(1);
});
