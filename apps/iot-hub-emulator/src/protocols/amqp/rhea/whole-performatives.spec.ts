import { types } from 'rhea';
import type { RheaConnection } from './rhea-types.js';
import { writeWholePerformatives } from './whole-performatives.js';

/** A performative as rhea writes it: a list without its last fields. */
const performative = (code: number, ...value: unknown[]) =>
  new (class {
    static readonly descriptor = { numeric: code };
    readonly value = value;
  })();

function written(sent: ReturnType<typeof performative> | undefined): unknown[] | undefined {
  let result: unknown[] | undefined;
  const connection = {
    _write_frame: (_channel: number, frame?: { value: unknown[] }) => {
      result = frame?.value;
    },
  };
  writeWholePerformatives(connection as unknown as RheaConnection);
  (connection as { _write_frame: (channel: number, frame?: object) => void })._write_frame(0, sent);
  return result;
}

describe(writeWholePerformatives.name, () => {
  it.each([
    ['open', 0x10, 10],
    ['attach', 0x12, 14],
    ['flow', 0x13, 11],
    ['transfer', 0x14, 11],
    ['disposition', 0x15, 6],
    ['detach', 0x16, 3],
    ['end', 0x17, 1],
    ['close', 0x18, 1],
  ])('gives every field of %s its place', (_name, code, count) => {
    expect(written(performative(code))).toEqual(Array(count).fill(null));
    expect(written(performative(code, 'first'))?.[0]).toBe('first');
    expect(written(performative(code, 'first'))).toHaveLength(count);
  });

  it('says in a begin how many links there may be', () => {
    const fields = written(performative(0x11, 1, 2, 3, 4));
    expect(fields).toHaveLength(8);
    expect(fields?.[4]).toEqual(types.wrap_uint(255));
  });

  it('gives an error its three fields', () => {
    const error = { value: [types.wrap_symbol('amqp:not-found')] };
    written(performative(0x18, error));
    expect(error.value).toHaveLength(3);
  });

  it('lets heartbeats by', () => {
    expect(written(undefined)).toBeUndefined();
  });
});
