import fc from 'fast-check';
import { generate, type Packet } from 'mqtt-packet';
import { PacketReader } from './packet-reader.js';

/** A PUBLISH of QoS 0 with this many bytes after its fixed header. */
function packetOf(sizeBytes: number): Buffer {
  const length: number[] = [];
  let left = sizeBytes;
  do {
    length.push((left % 128) + (left >= 128 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.concat([Buffer.from([0x30, ...length]), Buffer.alloc(sizeBytes)]);
}

/** A reader, with the packets it has read. */
function aReader({ firstBytes = 1000, laterBytes = 1000 } = {}) {
  const packets: Packet[] = [];
  const reader = new PacketReader({ firstBytes, laterBytes }, (packet) => packets.push(packet));
  return {
    packets,
    read: (bytes: Uint8Array) => {
      reader.read(Buffer.from(bytes));
    },
  };
}

describe(PacketReader.name, () => {
  it('refuses from the header alone, before the packet has come', () => {
    const { read } = aReader({ firstBytes: 10 });
    expect(() => {
      read(packetOf(11).subarray(0, 2));
    }).toThrow('too large');
    expect(() => {
      aReader({ firstBytes: 10 }).read(packetOf(10).subarray(0, 2));
    }).not.toThrow();
  });

  it('has a limit for the first packet and another for those after it', () => {
    const { packets, read } = aReader({ firstBytes: 10 });
    read(packetOf(10));
    read(packetOf(1000));
    expect(packets).toHaveLength(2);
    expect(() => {
      read(packetOf(1001));
    }).toThrow('too large');
  });

  it.each([
    ['five length bytes', [0x30, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['the longest length there is', [0x30, 0xff, 0xff, 0xff, 0x7f]],
    ['both bits of the QoS', [0x36, 2, 0, 0]],
    ['a topic that ends after the packet', [0x30, 3, 0, 2, 0x61]],
    ['no room for the length of the topic', [0x30, 1, 0]],
    ['no room for the message id', [0x32, 4, 0, 1, 0x61, 0]],
    ['a SUBSCRIBE without id', [0x82, 1, 0]],
    ['reserved flags', [0xc1, 0]],
    ['a type that is none', [0x00, 0]],
  ])('refuses %s', (_name, bytes) => {
    const { packets, read } = aReader();
    expect(() => {
      read(Buffer.from(bytes));
    }).toThrow();
    expect(packets).toEqual([]);
  });

  it('reads the same packets however the bytes are cut into chunks', () => {
    const publish = fc.record({
      topic: fc.string({ maxLength: 40, unit: 'grapheme' }),
      payload: fc.uint8Array({ maxLength: 300 }),
      qos: fc.constantFrom(0 as const, 1 as const, 2 as const),
      retain: fc.boolean(),
      messageId: fc.integer({ min: 1, max: 0xffff }),
    });
    const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(publish, { minLength: 1, maxLength: 8 }), cuts, (messages, sizes) => {
        const bytes = Buffer.concat(
          messages.flatMap(({ payload, topic, ...message }) => [
            generate({ cmd: 'publish', dup: false, ...message, topic: topic || 't', payload: Buffer.from(payload) }),
            generate({ cmd: 'pingreq' }),
          ]),
        );
        const { packets, read } = aReader();
        for (let at = 0, i = 0; at < bytes.length; i += 1) {
          const next = at + (sizes[i % sizes.length] ?? 1);
          read(bytes.subarray(at, next));
          at = next;
        }
        expect(packets.filter(({ cmd }) => cmd === 'pingreq')).toHaveLength(messages.length);
        const published = packets.flatMap((packet) => (packet.cmd === 'publish' ? [packet] : []));
        expect(
          published.map(({ topic, payload, qos, retain, messageId }) => ({
            topic,
            payload: new Uint8Array(payload as Buffer),
            qos,
            retain,
            messageId,
          })),
        ).toEqual(
          messages.map(({ topic, payload, qos, retain, messageId }) => ({
            topic: topic || 't',
            payload: new Uint8Array(payload),
            qos,
            retain,
            messageId: qos > 0 ? messageId : undefined,
          })),
        );
      }),
    );
  });
});
