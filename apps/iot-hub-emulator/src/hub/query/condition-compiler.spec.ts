import fc from 'fast-check';
import { DatabaseSync } from 'node:sqlite';
import { condition, constantText, properties } from '../../../test-support/query-arbitraries.js';
import type { IdentityRow } from '../../storage/identity-row.js';
import { SCHEMA_STEPS } from '../../storage/schema.js';
import type { JsonObject } from '../json.js';
import { toTwin } from '../twins/twin-view.js';
import { compileQuery } from './compile-query.js';

function aDatabase(twins: readonly { tags: JsonObject; desired: JsonObject; reported: JsonObject }[]): DatabaseSync {
  const database = new DatabaseSync(':memory:');
  database.exec(SCHEMA_STEPS.join(''));
  const insert = database.prepare(
    `INSERT INTO identities (device_id, generation_id, etag, twin_etag, status_reason, iot_edge, twin_version, tags, desired,
       reported, reported_metadata) VALUES (?, '1', 'e', 't', ?, ?, ?, ?, ?, ?, '{"$lastUpdated":"2026-01-01T00:00:00Z"}')`,
  );
  for (const [index, { tags, desired, reported }] of twins.entries()) {
    insert.run(
      `device${index}`,
      index % 2 === 0 ? null : 'a',
      index % 2,
      index,
      JSON.stringify(tags),
      JSON.stringify(desired),
      JSON.stringify(reported),
    );
  }
  return database;
}

function matching(database: DatabaseSync, query: string): unknown[] {
  const compiled = compileQuery(query);
  if (compiled.kind !== 'documents') throw new Error('Not a query of documents.');
  const { condition: where, parameters } = compiled;
  return database
    .prepare(`SELECT device_id FROM identities WHERE ${where} ORDER BY device_id LIMIT ?${parameters.length + 1}`)
    .all(...parameters, 100)
    .map((row) => row.device_id);
}

describe(compileQuery.name, () => {
  it('selects the twins for which a reference evaluation gives true', () => {
    let matched = 0;
    let compared = 0;
    fc.assert(
      fc.property(
        fc.array(fc.record({ tags: properties, desired: properties, reported: properties }), {
          minLength: 3,
          maxLength: 6,
        }),
        condition,
        (twins, { text, evaluate }) => {
          const database = aDatabase(twins);
          const rows = database
            .prepare('SELECT * FROM identities ORDER BY device_id')
            .all() as unknown as IdentityRow[];
          const expected = rows.filter((row) => evaluate(toTwin(row)) === true).map((row) => row.device_id);
          expect(matching(database, `SELECT * FROM devices WHERE ${text}`)).toEqual(expected);
          database.close();
          matched += expected.length;
          compared += rows.length;
        },
      ),
      { numRuns: 600 },
    );
    // The two would agree on anything if nothing ever matched.
    expect(matched).toBeGreaterThan(compared / 20);
    expect(matched).toBeLessThan(compared / 1.2);
  });

  it('keeps every text of the query out of the statement', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 3 }), fc.string({ minLength: 1 }), (marker, key) => {
        fc.pre(!marker.includes(']]') && !key.includes(']'));
        const text = `x${marker}§`;
        const compiled = compileQuery(
          `SELECT * FROM devices WHERE tags.[[${key}§]] = ${constantText(text)} OR deviceId IN [${constantText(text)}]`,
        );
        if (compiled.kind !== 'documents') throw new Error('Not a query of documents.');
        expect(compiled.condition).not.toContain('§');
        expect(compiled.parameters).toContain(text);
        expect(compiled.parameters).toContain(`$."${JSON.stringify(`${key}§`).slice(1, -1)}"`);
      }),
    );
  });

  it.each([
    ['a long AND', Array.from({ length: 600 }, () => 'tags.a=1').join(' AND ')],
    ['a long OR', `${'tags.b=2 OR '.repeat(600)}tags.a=1`],
    ['nested NOT', `${'NOT ('.repeat(22)}tags.a = 1${')'.repeat(22)}`],
    ['nested arithmetic', `${'tags.a + ('.repeat(45)}1${')'.repeat(45)} = 46`],
    ['nested comparisons', `${'true = ('.repeat(45)}tags.a = 1${')'.repeat(45)}`],
    ['nested lists', `${'('.repeat(20)}tags.a IN [1, null]${') IN [true, null]'.repeat(20)}`],
    ['nested type tests', `${'IS_BOOL('.repeat(40)}tags.a = 1${')'.repeat(40)}`],
    ['a long list', `tags.a IN [${'2,'.repeat(999)}1]`],
  ])('runs %s, in a statement not much longer than the query', (_name, text) => {
    const database = aDatabase([{ tags: { a: 1 }, desired: {}, reported: {} }]);
    const query = `SELECT * FROM devices WHERE ${text}`;
    expect(matching(database, query)).toEqual(['device0']);
    const compiled = compileQuery(query);
    expect(compiled.kind === 'documents' && compiled.condition.length).toBeLessThan(60 * query.length);
    database.close();
  });
});
