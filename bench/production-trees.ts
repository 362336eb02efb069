import { execFileSync } from 'node:child_process';
import { lstatSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatMib, type Result, type Scenario } from './scenario.js';

const APPS = ['api', 'device-agent', 'iot-hub-emulator', 'local-vision'];

export const productionTrees: Scenario = { name: 'production trees', run: sizes };

/** What each image holds beside its Node.js, against what development installs. */
async function sizes(): Promise<Result[]> {
  const baseline = `node_modules of this workspace: ${formatMib(bytesBelow('node_modules'))}`;
  const results: Result[] = [];
  for (const app of APPS) {
    const folder = await mkdtemp(join(tmpdir(), 'spyglass-bench-'));
    try {
      execFileSync(process.execPath, ['tools/production-tree.mjs', app, folder], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      results.push({
        what: `installed size of the production tree: ${app}`,
        measured: formatMib(bytesBelow(folder)),
        baseline,
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return results;
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true })
    .map((file) => lstatSync(join(folder, String(file))))
    .reduce((bytes, file) => bytes + (file.isFile() ? file.size : 0), 0);
}
