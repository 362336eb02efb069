import { HubError } from '../errors/hub-errors.js';
import { parseQuery } from './parser.js';
import { MAX_LIST_ITEMS, MAX_QUERY_DEPTH, MAX_QUERY_LENGTH } from './query-limits.js';

const path = (...segments: string[]): unknown => expect.objectContaining({ kind: 'path', segments });
const where = (condition: string) => parseQuery(`SELECT * FROM devices WHERE ${condition}`).where;

function refusal(query: string): string {
  try {
    parseQuery(query);
  } catch (error) {
    if (error instanceof HubError && error.errorName === 'ArgumentInvalid') return error.message;
    throw error;
  }
  throw new Error(`The query was accepted: ${query}`);
}

describe(parseQuery.name, () => {
  it('reads all clauses, whatever the case of the keywords', () => {
    expect(
      parseQuery(
        'select top 5 tags.room as room, count() As n from devices where status = "enabled" group by tags.room',
      ),
    ).toEqual({
      top: 5,
      projections: [
        { value: path('tags', 'room'), alias: 'room', position: 13 },
        { value: { kind: 'aggregate', name: 'COUNT' }, alias: 'n', position: 32 },
      ],
      source: path('devices'),
      where: { kind: 'comparison', operator: '=', left: path('status'), right: { kind: 'constant', value: 'enabled' } },
      groupBy: path('tags', 'room'),
    });
  });

  it('binds NOT before AND before OR, and arithmetic before comparison', () => {
    const isTrue = (name: string) => ({
      kind: 'comparison',
      operator: '=',
      left: path(name),
      right: { kind: 'constant', value: true },
    });
    expect(where('a = true OR NOT b = true AND c = true')).toEqual({
      kind: 'or',
      operands: [isTrue('a'), { kind: 'and', operands: [{ kind: 'not', operand: isTrue('b') }, isTrue('c')] }],
    });
    expect(where('1 + 2 * 3 < 4')).toMatchObject({
      operator: '<',
      left: { operator: '+', right: { operator: '*' } },
    });
    expect(where('8 - 4 - 2 = 2')).toMatchObject({ left: { operator: '-', left: { operator: '-' } } });
  });

  it.each([
    ["'it\\'s \\u0041 \\\\'", "it's A \\"],
    ['"double"', 'double'],
    ['""', ''],
    ['0x1F', 31],
    ['-1.5e2', -150],
    ['.5', 0.5],
    ['NULL', null],
    ['false', false],
    ['undefined', undefined],
  ])('reads the constant %s', (text, value) => {
    expect(where(`a = ${text}`)).toMatchObject({ right: { kind: 'constant', value } });
    expect(where(`a IN [${text}]`)).toMatchObject({ items: [value] });
  });

  it.each([
    ['tags.a.b', ['tags', 'a', 'b']],
    ['tags.in', ['tags', 'in']],
    ['tags.1st', ['tags', '1st']],
    ['properties.desired.$version', ['properties', 'desired', '$version']],
    [`tags.[[with.dot "and' space] $[0]].x`, ['tags', `with.dot "and' space] $[0`, 'x']],
    ['tags.größe', ['tags', 'größe']],
    ['[[select]]', ['select']],
  ])('reads the name %s', (text, segments) => {
    expect(where(`${text} = 1`)).toMatchObject({ left: path(...segments) });
  });

  it('reads <> as != and NIN as negated IN', () => {
    expect(where('a <> 1')).toMatchObject({ operator: '!=' });
    expect(where("a NIN ['x', 2]")).toMatchObject({ kind: 'membership', negated: true, items: ['x', 2] });
  });

  it('keeps words of other languages free as names', () => {
    expect(parseQuery('SELECT tags.x AS order FROM devices WHERE limit = 1').projections?.[0]?.alias).toBe('order');
  });

  it.each([
    ['SELECT * FROM devices ORDER BY deviceId', 23, 'has no ORDER BY'],
    ['SELECT * FROM devices JOIN d IN devices', 23, 'has no JOIN'],
    ["SELECT * FROM devices WHERE deviceId LIKE 'a%'", 38, 'has no LIKE; use STARTSWITH'],
    ['SELECT DISTINCT status FROM devices', 8, 'has no DISTINCT; use GROUP BY'],
    ['SELECT * FROM devices LIMIT 5', 23, 'use SELECT TOP n'],
    ['SELECT * FROM devices WHERE a = (SELECT b FROM devices)', 34, 'has no subqueries'],
    ['SELECT * FROM (SELECT * FROM devices)', 15, 'expected the name of a collection'],
    ['SELECT * FROM devices WHERE a IS NULL', 31, 'has no IS'],
    ["SELECT * FROM devices WHERE STARTS_WITH(deviceId, 'a')", 29, 'it is called STARTSWITH'],
    ["SELECT * FROM devices WHERE CONTAINS(deviceId, 'a')", 29, 'belongs to message routes'],
    ['SELECT * FROM devices WHERE SLEEP(1)', 29, 'there is no function SLEEP'],
    ['SELECT * FROM devices WHERE COUNT() > 1', 29, 'COUNT can stand in SELECT alone'],
    ['SELECT LOWER(deviceId) FROM devices', 8, 'LOWER is no aggregate'],
    ['SELECT COUNT(deviceId) FROM devices', 14, 'expected ")"'],
    ['SELECT * FROM devices WHERE', 28, 'found the end of the query'],
    ['SELECT FROM devices', 8, 'expected *, an attribute or an aggregate, found "FROM"'],
    ['FROM devices', 1, 'expected SELECT'],
    ['', 1, 'expected SELECT, found the end of the query'],
    ['SELECT * FROM devices c', 23, 'expected the end of the query, found "c"'],
    ['SELECT * FROM devices; DROP TABLE devices', 22, 'unexpected character ";"'],
    ['SELECT * FROM devices -- all', 23, 'expected the end of the query, found "-"'],
    ['SELECT TOP 0 * FROM devices', 12, 'TOP needs a whole number from 1'],
    ['SELECT TOP 1.5 * FROM devices', 12, 'TOP needs a whole number from 1'],
    ['SELECT * FROM devices WHERE a = 1 = 2', 35, 'expected the end of the query'],
    ['SELECT * FROM devices WHERE a = (1', 35, 'expected ")"'],
    ["SELECT * FROM devices WHERE a = 'open", 33, 'no closing quote'],
    [String.raw`SELECT * FROM devices WHERE a = 'x\n'`, 35, 'the escapes of a text are'],
    ['SELECT * FROM devices WHERE a = 1x', 34, 'followed by a letter'],
    ['SELECT * FROM devices WHERE a = 1e999', 33, 'too large'],
    ['SELECT * FROM devices WHERE tags. = 1', 34, 'a name must follow the dot'],
    ['SELECT * FROM devices WHERE tags.a[0] = 1', 35, 'expected the end of the query'],
    ["SELECT * FROM devices WHERE a IN ('x')", 34, 'expected a list of constants'],
    ['SELECT * FROM devices WHERE a IN []', 35, 'expected a constant'],
    ['SELECT * FROM devices WHERE a IN [tags.b]', 35, 'expected a constant'],
    ['SELECT * FROM devices WHERE IS_DEFINED(1)', 40, 'takes the name of an attribute'],
    ['SELECT * FROM devices GROUP BY a, b', 33, 'GROUP BY takes one attribute'],
    ['SELECT tags.a AS b.c FROM devices', 18, 'has no dots'],
  ])('refuses %s with place and reason', (query, character, reason) => {
    const message = refusal(query);
    expect(message).toContain(reason);
    expect(message).toContain(`at character ${character}:`);
  });

  it('limits length, nesting and lists', () => {
    const condition = (text: string) => `SELECT * FROM devices WHERE ${text}`;
    const nested = (levels: number) => condition(`${'('.repeat(levels)}a${')'.repeat(levels)}`);
    expect(refusal(' '.repeat(MAX_QUERY_LENGTH + 1))).toContain('at most 8192 characters');
    expect(() => parseQuery(nested(MAX_QUERY_DEPTH - 1))).not.toThrow();
    expect(refusal(nested(MAX_QUERY_DEPTH))).toContain('nested at most');
    expect(refusal(condition(`${'NOT '.repeat(MAX_QUERY_DEPTH)}a`))).toContain('nested at most');
    expect(refusal(condition(`1${'+1'.repeat(MAX_QUERY_DEPTH)} = 1`))).toContain('nested at most');
    expect(refusal(condition(`1${'*1'.repeat(MAX_QUERY_DEPTH)} = 1`))).toContain('nested at most');
    expect(refusal(condition(`a IN [${'1,'.repeat(MAX_LIST_ITEMS)}1]`))).toContain('at most 1000 values');
    expect(refusal(`SELECT ${'a,'.repeat(100)}a FROM devices`)).toContain('at most 100 columns');
  });
});
