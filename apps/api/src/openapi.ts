import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { loadApiConfig } from './api.config.js';
import { createApp } from './create-app.js';
import { describeApi } from './http/swagger.js';

/** The same value with the keys of every object in order, so that differences between two specifications are readable. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sorted(entry)]));
}

/** Writes the API's OpenAPI specification to the file that the command line names; no setting and no service is needed. */
async function main(): Promise<void> {
  const file = process.argv[2];
  if (!file) throw new Error('Usage: node openapi.js <file to write>');
  const config = loadApiConfig({ CORE_LOG_LEVEL: 'error' });
  const app = await createApp(config);
  await writeFile(file, `${JSON.stringify(sorted(describeApi(app, config)), null, 2)}\n`);
  await app.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
