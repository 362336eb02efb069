import { aLoggedMessage } from '../../../test-support/log-messages.js';
import { toCosmosDocument } from './cosmos-document.js';
import { readPartitionKeyTemplate } from './partition-key-template.js';

const options = {
  hubName: 'localhub',
  logId: 'log',
  partitionKeyName: 'pk',
  partitionKey: readPartitionKeyTemplate('{deviceid}-{YYYY}-{MM}'),
};
const utf32 = (text: string) =>
  Buffer.concat(
    Array.from(text, (character) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(character.codePointAt(0) ?? 0);
      return bytes;
    }),
  );

describe(toCosmosDocument.name, () => {
  it('has the shape IoT Hub gives it', () => {
    const message = aLoggedMessage({
      properties: { kind: 'telemetry' },
      systemProperties: { contentType: 'application/json', contentEncoding: 'utf-8', messageId: 'm1' },
    });
    const { id, partitionKey, content, base64Because } = toCosmosDocument(message, options);
    expect(base64Because).toBeUndefined();
    expect(partitionKey).toBe('d1-2030-01');
    expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(content).toEqual({
      id,
      pk: 'd1-2030-01',
      Properties: { kind: 'telemetry' },
      SystemProperties: {
        'message-id': 'm1',
        'iothub-connection-device-id': 'd1',
        'iothub-connection-auth-method':
          '{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}',
        'iothub-connection-auth-generation-id': '7',
        'iothub-content-type': 'application/json',
        'iothub-content-encoding': 'utf-8',
        'iothub-enqueuedtime': '2030-01-01T12:00:00.000Z',
        'iothub-message-source': 'Telemetry',
      },
      'iothub-name': 'localhub',
      Body: { level: 1 },
    });
  });

  it('gives a message the same id each time, and every other one another', () => {
    const idOf = (sequenceNumber: number, logId = 'log') =>
      toCosmosDocument(aLoggedMessage({ sequenceNumber }), { ...options, logId }).id;
    expect(idOf(1)).toBe(idOf(1));
    expect(new Set([idOf(1), idOf(2), idOf(11), idOf(1, 'another')]).size).toBe(4);
  });

  it.each([
    ['utf-8', 'application/json', Buffer.from('{"a":"é"}')],
    ['UTF-8', 'Application/JSON; charset=utf-8', Buffer.from('{"a":"é"}')],
    ['utf-16', 'application/json', Buffer.from('\uFEFF{"a":"é"}', 'utf16le')],
    ['utf-32', 'application/json', utf32('{"a":"é"}')],
  ])('reads a body of %s and %s as JSON', (contentEncoding, contentType, body) => {
    const message = aLoggedMessage({ systemProperties: { contentEncoding, contentType }, body });
    expect(toCosmosDocument(message, options).content.Body).toEqual({ a: 'é' });
  });

  it.each([
    [{}, '{"a":1}', 'it has no content type'],
    [{ contentType: 'text/plain', contentEncoding: 'utf-8' }, '{"a":1}', 'its content type is not application/json'],
    [{ contentType: 'application/json' }, '{"a":1}', 'it has no content encoding'],
    [
      { contentType: 'application/json', contentEncoding: 'gzip' },
      '{"a":1}',
      'its content encoding is not utf-8, utf-16 or utf-32',
    ],
    [{ contentType: 'application/json', contentEncoding: 'utf-8' }, '{"a"', 'its bytes are not JSON in utf-8'],
    [{ contentType: 'application/json', contentEncoding: 'utf-32' }, '{"a":', 'its bytes are not JSON in utf-32'],
  ])('keeps a body with %j as base64, and says why', (systemProperties, text, reason) => {
    const document = toCosmosDocument(aLoggedMessage({ systemProperties, body: Buffer.from(text) }), options);
    expect(document.content.Body).toBe(Buffer.from(text).toString('base64'));
    expect(document.base64Because).toBe(reason);
  });
});

describe(readPartitionKeyTemplate.name, () => {
  it('fills in all tokens, with the date of enqueueing in UTC', () => {
    const template = readPartitionKeyTemplate('x{iothub}/{deviceid}/{YYYY}{MM}{DD}!');
    const enqueuedMs = Date.parse('2030-03-01T00:30:00+01:00');
    expect(template({ hubName: 'h', deviceId: 'd', enqueuedMs })).toBe('xh/d/20300228!');
  });

  it.each(['', 'fixed', '{deviceid}{deviceid}', '{moduleid}', '{mm}'])('refuses %j', (template) => {
    expect(() => readPartitionKeyTemplate(template)).toThrow();
  });
});
