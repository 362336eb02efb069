import 'reflect-metadata';
import { closeOnSignal, failureText, trustCertificateAuthority } from '#libs/runtime';
import { loadApiConfig } from './api.config.js';

/** How long requests in flight may go on after the process was asked to stop. */
const GRACE_MS = 5_000;

async function main(): Promise<void> {
  const config = loadApiConfig();
  if (config.caFile) trustCertificateAuthority(config.caFile);
  const { createApp } = await import('./create-app.js');
  const app = await createApp(config);
  closeOnSignal(async () => {
    setTimeout(() => {
      app.getHttpServer().closeAllConnections();
    }, GRACE_MS).unref();
    await app.close();
  });
  const { listen } = await import('./listen.js');
  const { startWarnings } = await import('./start-warnings.js');
  const { Logger } = await import('@nestjs/common');
  const url = await listen(app, config.http);
  for (const warning of startWarnings(config)) new Logger('Start').warn(warning);
  process.stdout.write(`${JSON.stringify({ ready: 'api', url })}\n`);
}

main().catch((error: unknown) => {
  console.error(failureText(error));
  process.exit(1);
});
