import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { blobStreaming } from './blob-streaming.js';
import { capture } from './capture.js';
import { clientSdk } from './client-sdk.js';
import { directMethod } from './direct-method.js';
import { productionTrees } from './production-trees.js';
import type { Result } from './scenario.js';
import { start } from './start.js';
import { telemetry } from './telemetry.js';

const SCENARIOS = [start, directMethod, capture, blobStreaming, telemetry, clientSdk, productionTrees];
const REPORT = 'docs/performance.md';

/** `main.js [--write] [scenario…]`: runs the scenarios whose names contain one of the words, or all of them. */
async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const words = args.filter((arg) => !arg.startsWith('--'));
  const chosen = SCENARIOS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (chosen.length === 0)
    throw new Error(`no scenario is called so; there are: ${SCENARIOS.map(({ name }) => name).join(', ')}`);
  const results: Result[] = [];
  for (const scenario of chosen) {
    console.error(`${scenario.name} …`);
    results.push(...(await scenario.run()));
  }
  const report = `${machine()}\n\n${table(results)}\n`;
  console.log(report);
  if (args.includes('--write')) write(report);
  if (results.some(({ met }) => met === false)) process.exitCode = 1;
}

function machine(): string {
  const [cpu] = cpus();
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  const date = new Date().toISOString().slice(0, 10);
  const memory = `${(totalmem() / 1024 ** 3).toFixed(0)} GiB`;
  return `Commit ${commit}, ${date}, Node.js ${process.version}, ${cpus().length} cores (${cpu?.model ?? 'unknown'}), ${memory}.`;
}

function table(results: readonly Result[]): string {
  const verdict = ({ met }: Result): string => (met === undefined ? '' : met ? 'met' : '**missed**');
  return [
    '| what | measured | baseline in the same run | goal | |',
    '| --- | --- | --- | --- | --- |',
    ...results.map(
      (result) =>
        `| ${[result.what, result.measured, result.baseline ?? '', result.goal ?? '', verdict(result)].join(' | ')} |`,
    ),
  ].join('\n');
}

/** Replaces the part of the report between its two marks. */
function write(report: string): void {
  const [before = '', rest = ''] = readFileSync(REPORT, 'utf8').split('<!-- bench -->');
  const [, after = ''] = rest.split('<!-- /bench -->');
  writeFileSync(REPORT, `${before}<!-- bench -->\n\n${report}\n<!-- /bench -->${after}`);
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
