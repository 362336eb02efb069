import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import type { Result, Scenario } from './scenario.js';

const REPORT = 'docs/performance.md';

/**
 * Runs the scenarios whose names contain one of the words of the command line, or all of them, and prints their table; with
 * `--write` also between the marks `<!-- mark -->` and `<!-- /mark -->` of docs/performance.md. A missed goal makes the
 * process fail.
 */
export async function report(scenarios: readonly Scenario[], mark: string): Promise<void> {
  const args = process.argv.slice(2);
  const words = args.filter((arg) => !arg.startsWith('--'));
  const chosen = scenarios.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  if (chosen.length === 0)
    throw new Error(`no scenario is called so; there are: ${scenarios.map(({ name }) => name).join(', ')}`);
  const results: Result[] = [];
  for (const scenario of chosen) {
    console.error(`${scenario.name} …`);
    results.push(...(await scenario.run()));
  }
  const text = `${machine()}\n\n${table(results)}\n`;
  console.log(text);
  if (args.includes('--write')) write(text, mark);
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

function write(text: string, mark: string): void {
  const [before = '', rest = ''] = readFileSync(REPORT, 'utf8').split(`<!-- ${mark} -->`);
  const [, after = ''] = rest.split(`<!-- /${mark} -->`);
  writeFileSync(REPORT, `${before}<!-- ${mark} -->\n\n${text}\n<!-- /${mark} -->${after}`);
}
