import 'reflect-metadata';
import { AppError, trustCertificateAuthority } from '#libs/runtime';
import { loadApiConfig } from './api.config.js';

async function main(): Promise<void> {
  const config = loadApiConfig();
  if (config.caFile) trustCertificateAuthority(config.caFile);
  const { createApp } = await import('./create-app.js');
  const app = await createApp(config);
  const { listen } = await import('./listen.js');
  const url = await listen(app, config.http);
  process.stdout.write(`${JSON.stringify({ ready: 'api', url })}\n`);
}

main().catch((error: unknown) => {
  const lines = error instanceof AppError ? [error.message, error.hint] : [error];
  for (const line of lines) if (line !== undefined) console.error(line);
  process.exit(1);
});
