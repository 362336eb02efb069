import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const ROOT = join(__dirname, '../..');
const MAIN = join(ROOT, 'dist/apps/local-cosmos/src/main.js');
const READY_LIMIT_MS = 20_000;

/** The local Cosmos DB as its users run it: a process of its own, from the build. */
export interface CosmosProcess {
  readonly url: string;
  readonly connectionString: string;
  readonly exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
}

/** Builds the local Cosmos DB unless it is built: `npm test` has done so, a test file run on its own may not have. */
export async function ensureCosmosBuilt(): Promise<void> {
  if (existsSync(MAIN)) return;
  const nest = join(ROOT, 'node_modules/@nestjs/cli/bin/nest.js');
  await promisify(execFile)(process.execPath, [nest, 'build', 'local-cosmos'], { cwd: ROOT });
}

/**
 * Starts it with these settings and waits for its ready line.
 *
 * @throws Error with its log if none comes.
 */
export async function startCosmosProcess(settings: Readonly<Record<string, string>>): Promise<CosmosProcess> {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, LOCAL_COSMOS_PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const limit = setTimeout(() => child.kill('SIGKILL'), READY_LIMIT_MS);
  const output = new Promise<string>((resolve) => createInterface(child.stdout).once('line', resolve));
  const line = await Promise.race([output, exited.then(() => undefined)]);
  clearTimeout(limit);
  if (line === undefined) throw new Error(`The local Cosmos DB did not get ready:\n${errors}`);
  const { url, connectionString } = JSON.parse(line) as Pick<CosmosProcess, 'url' | 'connectionString'>;
  return { url, connectionString, exited, kill: (signal) => child.kill(signal) };
}
