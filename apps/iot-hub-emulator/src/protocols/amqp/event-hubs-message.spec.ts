import { message as codec, types } from 'rhea';
import type { PartitionEvent } from '../../hub/events/partition-event.js';
import { encodeEvent } from './event-hubs-message.js';

/** 2030-01-01T12:00:00.123Z. */
const TIME_MS = Date.UTC(2030, 0, 1, 12, 0, 0, 123);

const anEvent = (parts: Partial<PartitionEvent> = {}): PartitionEvent => ({
  sequenceNumber: 7,
  offset: 1234567890123,
  source: 'Telemetry',
  deviceId: 'd1',
  generationId: '5',
  authScope: 'device',
  authType: 'sas',
  enqueuedMs: TIME_MS,
  systemProperties: {},
  properties: {},
  body: Buffer.from('{"level":5}'),
  ...parts,
});

interface Decoded {
  readonly message_annotations: Record<string, unknown>;
  readonly delivery_annotations?: Record<string, unknown>;
  readonly application_properties?: Record<string, unknown>;
  readonly body: { readonly typecode: number; readonly content: Buffer };
  readonly [field: string]: unknown;
}
const decode = (bytes: Buffer) => codec.decode(bytes) as object as Decoded;

/** AMQP types of a map's values, by key. */
function typesOf(bytes: Buffer, section: number): Record<string, string> {
  const reader = new (types as unknown as { Reader: new (bytes: Buffer) => SectionReader }).Reader(bytes);
  while (reader.remaining() > 0) {
    const { descriptor, value } = reader.read();
    if (descriptor.value !== section || !Array.isArray(value)) continue;
    const entries: [string, string][] = [];
    for (let at = 0; at < value.length; at += 2) {
      entries.push([String(value[at]?.value), `${value[at]?.type.name ?? ''} ${value[at + 1]?.type.name ?? ''}`]);
    }
    return Object.fromEntries(entries);
  }
  return {};
}
interface Typed {
  readonly type: { readonly name: string };
  readonly value: unknown;
}
interface SectionReader {
  remaining(): number;
  read(): { descriptor: { value: unknown }; value: Typed[] | undefined };
}

describe(encodeEvent.name, () => {
  it('gives the annotations of IoT Hub, each of its AMQP type', () => {
    const bytes = encodeEvent(
      anEvent({
        moduleId: 'm1',
        systemProperties: { interfaceId: 'dtmi:a;1', dataSchema: 'dtmi:b;2', subject: 'part' },
      }),
    );
    expect(decode(bytes).message_annotations).toEqual({
      'x-opt-sequence-number': 7,
      'x-opt-offset': '1234567890123',
      'x-opt-enqueued-time': new Date(TIME_MS),
      'iothub-connection-device-id': 'd1',
      'iothub-connection-module-id': 'm1',
      'iothub-connection-auth-method': '{"scope":"device","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}',
      'iothub-connection-auth-generation-id': '5',
      'iothub-enqueuedtime': new Date(TIME_MS),
      'iothub-message-source': 'Telemetry',
      'iothub-interface-id': 'dtmi:a;1',
      'dt-dataschema': 'dtmi:b;2',
      'dt-subject': 'part',
    });
    expect(typesOf(bytes, 0x72)).toMatchObject({
      'x-opt-sequence-number': 'Sym8 Long',
      'x-opt-offset': 'Sym8 Str8',
      'x-opt-enqueued-time': 'Sym8 Timestamp',
      'iothub-enqueuedtime': 'Sym8 Timestamp',
      'iothub-connection-device-id': 'Sym8 Str8',
    });
  });

  it('names no sender of an event of the hub itself', () => {
    const { message_annotations: annotations } = decode(
      encodeEvent(anEvent({ authScope: '', source: 'twinChangeEvents' })),
    );
    expect(Object.keys(annotations).filter((name) => name.includes('auth'))).toEqual([]);
    expect(annotations['iothub-message-source']).toBe('twinChangeEvents');
  });

  it('brings the properties of a message, the system ones in their fields', () => {
    const decoded = decode(
      encodeEvent(
        anEvent({
          systemProperties: {
            messageId: 'm',
            userId: 'ü',
            to: '/devices/d1',
            correlationId: 'c',
            contentType: 'application/json',
            contentEncoding: 'utf-8',
            expiryTimeUtc: '2030-01-02T00:00:00Z',
            creationTimeUtc: '2030-01-01T00:00:00Z',
          },
          properties: { room: 'kitchen', leer: '', 'ä €': '𝄞' },
        }),
      ),
    );
    expect(decoded).toMatchObject({
      message_id: 'm',
      user_id: Buffer.from('ü'),
      to: '/devices/d1',
      correlation_id: 'c',
      content_type: 'application/json',
      content_encoding: 'utf-8',
      absolute_expiry_time: new Date('2030-01-02T00:00:00Z'),
      application_properties: {
        room: 'kitchen',
        leer: '',
        'ä €': '𝄞',
        'iothub-creation-time-utc': '2030-01-01T00:00:00Z',
      },
    });
    expect(decode(encodeEvent(anEvent({ systemProperties: { expiryTimeUtc: 'soon' } }))).absolute_expiry_time).toBe(
      undefined,
    );
  });

  it.each([0, 1, 255, 256, 65_536, 262_144])('brings a body of %s bytes as one data section', (sizeBytes) => {
    const body = Buffer.alloc(sizeBytes, 0xa5);
    const decoded = decode(encodeEvent(anEvent({ body })));
    expect(decoded.body.typecode).toBe(0x75);
    expect(decoded.body.content.equals(body)).toBe(true);
  });

  it.each([85, 86, 255, 256, 20_000])('brings texts of %s characters of one to three bytes', (length) => {
    const properties = { short: 'x'.repeat(length), long: '€'.repeat(length), ['k'.repeat(length)]: 'v' };
    expect(decode(encodeEvent(anEvent({ properties }))).application_properties).toEqual(properties);
  });

  it('tells of the newest event when asked, also before the first', () => {
    const bytes = encodeEvent(anEvent(), {
      sequenceNumber: 9,
      offset: 99,
      enqueuedMs: -62_135_596_800_000,
      retrievedMs: TIME_MS,
    });
    expect(decode(bytes).delivery_annotations).toEqual({
      last_enqueued_sequence_number: 9,
      last_enqueued_offset: '99',
      last_enqueued_time_utc: new Date('0001-01-01T00:00:00Z'),
      runtime_info_retrieval_time_utc: new Date(TIME_MS),
    });
  });

  it('makes each message bytes of its own', () => {
    const first = encodeEvent(anEvent({ deviceId: 'first' }));
    const copy = Buffer.from(first);
    encodeEvent(anEvent({ deviceId: 'second', properties: { a: 'x'.repeat(50_000) } }));
    expect(first.equals(copy)).toBe(true);
  });
});
