import { aHubMessage } from '../../../test-support/log-messages.js';
import { cutIntoRuns, eventsOf, lastEventOf, packRun, type RoutedMessage, unpackRun } from './message-run.js';

const aRoutedMessage = (parts: Partial<RoutedMessage['message']>, endpoints = 1): RoutedMessage => ({
  message: aHubMessage(parts),
  endpoints,
  stamped: [],
});
const kept = (run: readonly RoutedMessage[], last_sequence = run.length, last_event = -1) => ({
  ...packRun(run),
  last_sequence,
  last_event,
  messages: run.length,
});

describe('a run of messages', () => {
  it('gives back all that it was given, in order', () => {
    const envelope = { systemProperties: { messageId: 'm' }, properties: { level: 'ä' } };
    const run: RoutedMessage[] = [
      aRoutedMessage({ ...envelope, body: Buffer.from('1') }),
      aRoutedMessage({ ...envelope, body: Buffer.alloc(0), enqueuedMs: 5 }, 3),
      aRoutedMessage({ ...envelope, moduleId: 'm1', body: Buffer.from('3') }),
      aRoutedMessage({ ...envelope, deviceId: 'd2', body: Buffer.from([0, 255]) }),
      aRoutedMessage({ ...envelope, deviceId: 'd2', generationId: 'another' }),
      aRoutedMessage({ ...envelope, deviceId: 'd2', authScope: 'hub', authType: 'x509' }),
      { ...aRoutedMessage(envelope), stamped: [[1, 'site', 'north']] },
      { ...aRoutedMessage(envelope), stamped: [[1, 'site', 'south']] },
      aRoutedMessage({ source: 'twinChangeEvents', properties: { ['__proto__']: 'x' } }),
    ];
    const withBytes = run.map(({ message, ...routed }, index) => ({
      ...routed,
      offset: 12 + index,
      message: { ...message, body: new Uint8Array(message.body) },
    }));
    const found = unpackRun(kept(run, 20)).map(({ message, ...routed }) => ({
      ...routed,
      message: { ...message, body: new Uint8Array(message.body) },
    }));
    expect(found).toEqual(withBytes);
  });

  it('says once what a device repeats', () => {
    const envelope = { systemProperties: {}, properties: { level: 'info' } };
    const { stretches } = packRun([aRoutedMessage(envelope), aRoutedMessage(envelope), aRoutedMessage(envelope)]);
    expect(stretches.match(/info/g)).toHaveLength(1);
  });

  it('numbers the events among its messages', () => {
    const run = kept(
      [aRoutedMessage({}, 2), aRoutedMessage({}, 1), aRoutedMessage({}, 2), aRoutedMessage({}, 3)],
      9,
      41,
    );
    expect(eventsOf(run).map(({ sequenceNumber, offset }) => [sequenceNumber, offset])).toEqual([
      [40, 7],
      [41, 9],
    ]);
    const notLast = kept([aRoutedMessage({ enqueuedMs: 3 }, 1), aRoutedMessage({}, 2)], 9, 41);
    expect(lastEventOf(notLast)).toEqual({ sequenceNumber: 41, offset: 8, enqueuedMs: 3 });
  });

  it('is cut by number and by size', () => {
    const lengths = (count: number, bodyBytes: number) =>
      cutIntoRuns(Array.from({ length: count }, () => aRoutedMessage({ body: Buffer.alloc(bodyBytes) }))).map(
        ({ length }) => length,
      );
    expect(lengths(300, 1)).toEqual([128, 128, 44]);
    expect(lengths(5, 30 * 1024)).toEqual([3, 2]);
    expect(lengths(2, 256 * 1024)).toEqual([1, 1]);
    expect(lengths(0, 1)).toEqual([]);
  });

  it('is cut by the size of properties, too, unless they are a repetition', () => {
    const properties = { long: 'x'.repeat(32 * 1024) };
    const lengths = (makeMessage: () => RoutedMessage) =>
      cutIntoRuns(Array.from({ length: 5 }, makeMessage)).map(({ length }) => length);
    expect(lengths(() => aRoutedMessage({ properties: { ...properties } }))).toEqual([2, 2, 1]);
    expect(lengths(() => ({ ...aRoutedMessage({}), stamped: [[1, 'site', properties.long]] }))).toEqual([2, 2, 1]);
    const systemProperties = {};
    expect(lengths(() => aRoutedMessage({ systemProperties, properties }))).toEqual([5]);
  });
});
