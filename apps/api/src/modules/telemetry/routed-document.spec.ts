import { readRoutedDocument, type RoutedDocument } from './routed-document.js';

const base64 = (bytes: string | Buffer) => Buffer.from(bytes).toString('base64');

function aDocument({ Body, type, encoding }: { Body?: unknown; type?: string; encoding?: string }): RoutedDocument {
  return {
    id: 'm1',
    Properties: { kind: 'telemetry', site: 'lab' },
    SystemProperties: {
      'iothub-connection-device-id': 'device001',
      'iothub-enqueuedtime': '2025-01-31T12:00:00.1230000Z',
      'iothub-message-source': 'Telemetry',
      ...(type !== undefined && { 'iothub-content-type': type }),
      ...(encoding !== undefined && { 'iothub-content-encoding': encoding }),
    },
    ...(Body !== undefined && { Body }),
  };
}

describe(readRoutedDocument.name, () => {
  it('names device, kind and time', () => {
    expect(readRoutedDocument(aDocument({ Body: 1 }))).toMatchObject({
      id: 'm1',
      deviceId: 'device001',
      kind: 'telemetry',
      enqueuedTime: '2025-01-31T12:00:00.1230000Z',
      source: 'Telemetry',
      properties: { kind: 'telemetry', site: 'lab' },
    });
  });

  it('knows no kind where the device names none', () => {
    const document = { ...aDocument({}), Properties: { kind: 7 } };
    expect(readRoutedDocument(document).kind).toBeUndefined();
    const { id, SystemProperties } = document;
    expect(readRoutedDocument({ id, SystemProperties })).toMatchObject({ kind: undefined, properties: {} });
  });

  const json = { type: 'application/json', encoding: 'utf-8' };
  const deep = '['.repeat(65) + ']'.repeat(65);
  const bytes = Buffer.from([0xff, 0xd8, 0xff, 0xe0]);
  const cases: [string, Parameters<typeof aDocument>[0], unknown, string, boolean][] = [
    ['JSON', { ...json, Body: { a: [1] } }, { a: [1] }, 'json', false],
    ['a JSON text that reads like base64', { ...json, Body: 'aGk=' }, 'aGk=', 'json', false],
    [
      'JSON with a character set',
      { ...json, type: 'Application/JSON; charset=utf-8', Body: 'aGk=' },
      'aGk=',
      'json',
      false,
    ],
    ['an object without content type', { Body: { a: 1 } }, { a: 1 }, 'json', false],
    ['base64 of JSON', { Body: base64('{"a":1}') }, { a: 1 }, 'json', true],
    ['base64 without encoding', { type: 'application/json', Body: base64('[1]') }, [1], 'json', true],
    ['base64 of text', { type: 'text/plain', Body: base64('23 °C') }, '23 °C', 'text', true],
    ['base64 of bytes', { type: 'image/jpeg', Body: base64(bytes) }, base64(bytes), 'base64', true],
    ['base64 of JSON beyond any use', { Body: base64(deep) }, deep, 'text', true],
    ['text that is no base64', { Body: 'not base64!' }, 'not base64!', 'text', false],
    ['an empty body', { Body: '' }, '', 'text', true],
    ['no body', {}, null, 'json', false],
  ];
  it.each(cases)('reads %s', (_what, document, value, format, wasBase64) => {
    expect(readRoutedDocument(aDocument(document)).body).toEqual({ value, format, wasBase64 });
  });
});
