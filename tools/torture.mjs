// Runs the reliability suite at full size: `npm run test:torture -- [--seed N] [scenario…]`, a scenario being a part of a file
// name in test/torture. Ends with a summary of what was measured, as a table and as a line of JSON.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({ options: { seed: { type: 'string' } }, allowPositionals: true });
const seed = Number(values.seed ?? Date.now() % 1_000_000);
if (!Number.isSafeInteger(seed)) throw new Error('--seed must be a whole number.');
console.error(`Seed ${seed}: repeat this run with npm run test:torture -- --seed ${seed} ${positionals.join(' ')}`);

const folder = mkdtempSync(join(tmpdir(), 'torture-figures-'));
const figuresFile = join(folder, 'figures.jsonl');
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const paths = positionals.length > 0 ? positionals.map((name) => `test/torture/.*${name}`) : ['test/torture'];
const { status } = spawnSync(process.execPath, [...jest, '--selectProjects', 'torture', '-w', '1', ...paths], {
  stdio: ['inherit', 2, 'inherit'],
  env: { ...process.env, TORTURE_FULL: '1', TORTURE_SEED: String(seed), TORTURE_FIGURES: figuresFile },
});

const lines = existsSync(figuresFile) ? readFileSync(figuresFile, 'utf8').trim().split('\n') : [];
rmSync(folder, { recursive: true });
const figures = lines.map((line) => JSON.parse(line));
const missed = ({ value, atMost }) => atMost !== undefined && value > atMost;
const rounded = (value) => Math.round(value * 10) / 10;
const row = (figure) => [
  figure.scenario,
  figure.what,
  `${rounded(figure.value)} ${figure.unit}`,
  figure.atMost === undefined ? '' : `≤ ${figure.atMost} ${figure.unit}`,
  figure.atMost === undefined ? '' : missed(figure) ? '**missed**' : 'met',
];
const header = ['scenario', 'what', 'measured', 'goal', ''];
for (const cells of [header, header.map(() => '---'), ...figures.map(row)]) console.log(`| ${cells.join(' | ')} |`);
console.log(JSON.stringify({ seed, passed: status === 0, figures }));
process.exitCode = status === 0 && !figures.some(missed) ? 0 : 1;
