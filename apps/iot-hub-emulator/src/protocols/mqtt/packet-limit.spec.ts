import fc from 'fast-check';
import { PacketLimit } from './packet-limit.js';

/** A packet with this many bytes after its fixed header. */
function packetOf(sizeBytes: number): Buffer {
  const length: number[] = [];
  let left = sizeBytes;
  do {
    length.push((left % 128) + (left >= 128 ? 128 : 0));
    left = Math.floor(left / 128);
  } while (left > 0);
  return Buffer.concat([Buffer.from([0x30, ...length]), Buffer.alloc(sizeBytes, 0xff)]);
}

describe(PacketLimit.name, () => {
  it('refuses from the header alone, before the packet has come', () => {
    expect(new PacketLimit(10, 1000).allows(packetOf(11).subarray(0, 2))).toBe(false);
    expect(new PacketLimit(10, 1000).allows(packetOf(10).subarray(0, 2))).toBe(true);
  });

  it('has a limit for the first packet and another for those after it', () => {
    const limit = new PacketLimit(10, 1000);
    expect(limit.allows(packetOf(10))).toBe(true);
    expect(limit.allows(packetOf(1000))).toBe(true);
    expect(limit.allows(packetOf(1001))).toBe(false);
  });

  it.each([
    ['five length bytes', [0x30, 0x80, 0x80, 0x80, 0x80, 0x01]],
    ['the longest length there is', [0x30, 0xff, 0xff, 0xff, 0x7f]],
  ])('refuses %s', (_name, bytes) => {
    expect(new PacketLimit(1000, 1000).allows(Buffer.from(bytes))).toBe(false);
  });

  it('answers the same however the bytes are cut into chunks', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(sizes, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), (packets, cuts) => {
        const bytes = Buffer.concat(packets.map(packetOf));
        const limit = new PacketLimit(300, 300);
        let allowed = true;
        for (let at = 0, i = 0; at < bytes.length && allowed; i += 1) {
          const next = at + (cuts[i % cuts.length] ?? 1);
          allowed = limit.allows(bytes.subarray(at, next));
          at = next;
        }
        expect(allowed).toBe(packets.every((size) => size <= 300));
      }),
    );
  });
});
