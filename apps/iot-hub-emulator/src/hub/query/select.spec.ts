import fc from 'fast-check';
import { condition, path, properties, type Condition, type Value } from '../../../test-support/query-arbitraries.js';
import type { IdentityRow } from '../../storage/identity-row.js';
import { Store } from '../../storage/store.js';
import type { JsonObject } from '../json.js';
import { ActivityLog } from '../registry/activity-log.js';
import { toTwin } from '../twins/twin-view.js';
import { runQuery } from './run-query.js';

const RUNS = 200;

interface Twin {
  readonly deviceId: string;
  readonly moduleId: string;
  readonly tags: JsonObject;
  readonly desired: JsonObject;
  readonly reported: JsonObject;
}

/** A column of a SELECT list, with its meaning written a second time over the documents of one group. */
interface Column {
  readonly text: string;
  readonly evaluate: (documents: readonly JsonObject[]) => Value;
}

const twins = fc.uniqueArray(
  fc.record({
    deviceId: fc.constantFrom('d1', 'd2', 'D3'),
    moduleId: fc.constantFrom('', 'a', 'b'),
    tags: properties,
    desired: properties,
    reported: properties,
  }),
  { minLength: 3, maxLength: 9, selector: ({ deviceId, moduleId }) => `${deviceId}/${moduleId}` },
);

const collection = fc.constantFrom('devices', 'devices.modules');

/** Attributes that are one value, so that there can be groups by them. */
const single = path.filter(({ text }) => !/(?:x509Thumbprint|properties\.reported|properties)$/.test(text));

const aggregate = fc
  .tuple(fc.constantFrom('COUNT', 'SUM', 'avg', 'MIN', 'max'), single)
  .map(([name, operand]): Column => {
    if (name === 'COUNT') return { text: 'COUNT()', evaluate: (documents) => documents.length };
    return {
      text: `${name}(${operand.text})`,
      evaluate: (documents) =>
        aggregateOf(
          name.toUpperCase(),
          documents.map((document) => operand.evaluate(document)),
        ),
    };
  });

function aggregateOf(name: string, values: readonly Value[]): Value {
  const numbers = values.filter((value) => typeof value === 'number');
  const texts = values
    .filter((value) => typeof value === 'string')
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  if (name === 'MIN') return numbers.length > 0 ? Math.min(...numbers) : texts[0];
  if (name === 'MAX') return texts.at(-1) ?? (numbers.length > 0 ? Math.max(...numbers) : undefined);
  if (numbers.length === 0) return undefined;
  const sum = numbers.reduce((total, value) => total + value, 0);
  const result = name === 'SUM' ? sum : sum / numbers.length;
  return Number.isFinite(result) ? result : undefined;
}

function aStore(rows: readonly Twin[]): Store {
  const store = new Store(':memory:');
  const insert = store.database.prepare(
    `INSERT INTO identities (device_id, module_id, generation_id, etag, twin_etag, status_reason, iot_edge, twin_version,
       tags, desired, reported, reported_metadata)
     VALUES (?, ?, '1', 'e', 't', ?, ?, ?, ?, ?, ?, '{"$lastUpdated":"2026-01-01T00:00:00Z"}')`,
  );
  for (const [index, { deviceId, moduleId, tags, desired, reported }] of rows.entries()) {
    const texts = [tags, desired, reported].map((part) => JSON.stringify(part));
    insert.run(deviceId, moduleId, index % 2 === 0 ? null : 'a', index % 2, index, ...texts);
  }
  return store;
}

/** So that a few documents take several slices. */
const TINY_SLICES = { pace: { rows: 2, targetMs: 0 } };

/** All pages of a query. */
async function rowsOf(store: Store, query: string, maxItemCount: number): Promise<JsonObject[]> {
  const rows: JsonObject[] = [];
  let continuation: string | undefined;
  do {
    const request = { query, maxItemCount, ...(continuation !== undefined && { continuation }) };
    const page = await runQuery({ store, activity: new ActivityLog(store) }, request, TINY_SLICES);
    expect(page.items.length).toBeLessThanOrEqual(maxItemCount);
    rows.push(...page.items);
    continuation = page.continuation;
  } while (continuation !== undefined);
  return rows;
}

/** The documents of a collection that meet a condition, in order. */
function documentsOf(store: Store, from: string, where: Condition): JsonObject[] {
  const belongs = from === 'devices' ? '=' : '<>';
  return store.database
    .prepare(`SELECT * FROM identities WHERE module_id ${belongs} '' ORDER BY device_id, module_id`)
    .all()
    .map((row) => toTwin(row as unknown as IdentityRow))
    .filter((document) => where.evaluate(document) === true);
}

const row = (values: readonly Value[]): JsonObject =>
  Object.fromEntries(values.flatMap((value, index) => (value === undefined ? [] : [[`c${index}`, value]])));

/** Sums of the same numbers differ with their order. */
const rounded = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, item: unknown) => (typeof item === 'number' ? item.toPrecision(9) : item));

const sorted = (rows: readonly unknown[]): unknown[] =>
  rows.map((item) => JSON.stringify(item, (_key, value: unknown) => inOrder(value))).sort();

const inOrder = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

describe(runQuery.name, () => {
  it('projects, limits and pages as a reference does', async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(
        twins,
        collection,
        fc.option(condition, { freq: 1 }),
        fc.array(path, { maxLength: 3 }),
        fc.option(fc.integer({ min: 1, max: 5 })),
        fc.integer({ min: 1, max: 4 }),
        async (identities, from, where, columns, top, pageSize) => {
          const store = aStore(identities);
          const list = columns.length === 0 ? '*' : columns.map(({ text }, index) => `${text} AS c${index}`).join(', ');
          const query = `SELECT ${top === null ? '' : `TOP ${top} `}${list} FROM ${from}${where ? ` WHERE ${where.text}` : ''}`;
          const expected = documentsOf(store, from, where ?? ALWAYS)
            .slice(0, top ?? Infinity)
            .map((document) =>
              columns.length === 0 ? document : row(columns.map(({ evaluate }) => evaluate(document))),
            );
          expect(await rowsOf(store, query, pageSize)).toEqual(expected);
          store.close();
          found += expected.length;
        },
      ),
      { numRuns: RUNS },
    );
    expect(found).toBeGreaterThan(RUNS / 2);
  });

  it('groups and aggregates as a reference does', async () => {
    let groups = 0;
    await fc.assert(
      fc.asyncProperty(
        twins,
        collection,
        fc.option(condition, { freq: 1 }),
        fc.option(single, { nil: undefined }),
        fc.array(aggregate, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 1, max: 4 }),
        async (identities, from, where, by, aggregates, pageSize) => {
          const store = aStore(identities);
          const columns: Column[] = by ? [{ text: by.text, evaluate: ([first]) => by.evaluate(first ?? {}) }] : [];
          columns.push(...aggregates);
          const list = columns.map(({ text }, index) => `${text} AS c${index}`).join(', ');
          const query = `SELECT ${list} FROM ${from}${where ? ` WHERE ${where.text}` : ''}${by ? ` GROUP BY ${by.text}` : ''}`;
          const documents = documentsOf(store, from, where ?? ALWAYS);
          const grouped = by ? [...groupBy(documents, by).values()] : [documents];
          const expected = grouped.map((group) => row(columns.map(({ evaluate }) => evaluate(group))));
          expect(sorted((await rowsOf(store, query, pageSize)).map(rounded))).toEqual(sorted(expected.map(rounded)));
          store.close();
          groups += expected.length;
        },
      ),
      { numRuns: RUNS },
    );
    expect(groups).toBeGreaterThan(RUNS / 2);
  });
});

const ALWAYS: Condition = { text: 'true', evaluate: () => true };

function groupBy(documents: readonly JsonObject[], { evaluate }: Condition): Map<string | undefined, JsonObject[]> {
  const groups = new Map<string | undefined, JsonObject[]>();
  for (const document of documents) {
    const key = JSON.stringify(evaluate(document));
    groups.set(key, [...(groups.get(key) ?? []), document]);
  }
  return groups;
}
