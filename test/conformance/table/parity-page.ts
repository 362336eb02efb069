import { readFileSync } from 'node:fs';
import { HUB_ERRORS } from '../../../apps/iot-hub-emulator/src/hub/errors/hub-errors.js';
import { PYTHON_SUITES, pythonOperations } from '../../support/python-suites.js';
import { type AnyGroup, CONFORMANCE_TABLE } from './conformance-table.js';

const YES = '✓';
const NOT_THERE = '–';

const tableOf = (rows: readonly (readonly string[])[]): string => {
  const [head = [], ...body] = rows;
  return [head, head.map(() => '---'), ...body].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
};

function groupTable({ title, clients, protocols, cases }: AnyGroup): string {
  const rows = cases.map(({ operation, over, refusedAs }) => [
    operation,
    ...protocols.map((protocol) => (over.includes(protocol) ? (refusedAs ?? YES) : NOT_THERE)),
  ]);
  return `## ${title}\n\nThrough ${clients}.\n\n${tableOf([['', ...protocols], ...rows])}`;
}

function pythonTable(): string {
  const rows = PYTHON_SUITES.flatMap(({ sdk, script, transports }) =>
    pythonOperations(script).map((operation) => [`\`${sdk}\``, operation, transports.join(', ')]),
  );
  return `## Python\n\nThe SDKs of PyPI, unmodified, on the standard ports.\n\n${tableOf([['SDK', 'Operation', 'Over'], ...rows])}`;
}

function errorTable(): string {
  const rows = Object.entries(HUB_ERRORS).map(([name, { code, status, condition }]) => [
    `\`${name}\``,
    String(code),
    String(status),
    `\`${condition}\``,
  ]);
  return `## Errors\n\n${tableOf([['Name', 'Code', 'HTTP status', 'AMQP condition'], ...rows])}`;
}

/** `docs/emulator-parity.md`, unformatted: from the table that conformance runs, and a preface written by hand. */
export function parityPage(prefaceFile: string): string {
  return [
    readFileSync(prefaceFile, 'utf8').trimEnd(),
    ...CONFORMANCE_TABLE.map(groupTable),
    pythonTable(),
    errorTable(),
    '',
  ].join('\n\n');
}
