import { parser as createParser, type IPublishPacket, type Packet } from 'mqtt-packet';

const PUBLISH = 3;
const LENGTH_MAX_BYTES = 4;

/** Longest "remaining length" of the first packet, and of all that follow. */
export interface PacketLimits {
  readonly firstBytes: number;
  readonly laterBytes: number;
}

/** A packet of the stream, which may not have come to its end. */
interface Frame {
  /** Where what follows the fixed header begins. */
  readonly bodyStart: number;
  readonly end: number;
}

/**
 * Cuts an MQTT byte stream into packets. PUBLISH, which comes by the thousand, is read here, straight from the bytes that
 * came; all others are read by mqtt-packet. A packet that is too long is refused as soon as its header has come.
 *
 * @see http://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html#_Toc398718020 section 2.2
 */
export class PacketReader {
  /** The beginning of a packet whose end has not come. */
  private parts: Buffer[] = [];
  private partsBytes = 0;
  /** How many bytes there have to be before it is worth another look. */
  private wantedBytes = 0;
  private maxBytes: number;

  constructor(
    private readonly limits: PacketLimits,
    private readonly onPacket: (packet: Packet) => void,
  ) {
    this.maxBytes = limits.firstBytes;
  }

  /** Hands over the packets that end in this chunk. @throws Error when the bytes are not MQTT, or beyond a limit. */
  read(chunk: Buffer): void {
    let bytes = chunk;
    if (this.partsBytes > 0) {
      this.parts.push(chunk);
      this.partsBytes += chunk.length;
      if (this.partsBytes < this.wantedBytes) return;
      bytes = Buffer.concat(this.parts, this.partsBytes);
      this.parts = [];
      this.partsBytes = 0;
    }
    let at = 0;
    while (at < bytes.length) {
      const frame = this.frameAt(bytes, at);
      if (frame === undefined || frame.end > bytes.length) {
        this.keep(bytes.subarray(at), frame === undefined ? 0 : frame.end - at);
        return;
      }
      this.maxBytes = this.limits.laterBytes;
      this.onPacket(
        (bytes[at] ?? 0) >> 4 === PUBLISH ? readPublish(bytes, at, frame) : readOther(bytes.subarray(at, frame.end)),
      );
      at = frame.end;
    }
  }

  private keep(part: Buffer, wantedBytes: number): void {
    this.parts.push(part);
    this.partsBytes = part.length;
    this.wantedBytes = wantedBytes;
  }

  /** @returns undefined when the fixed header has not come to its end. */
  private frameAt(bytes: Buffer, at: number): Frame | undefined {
    let length = 0;
    for (let index = 0; index < LENGTH_MAX_BYTES; index += 1) {
      const byte = bytes[at + 1 + index];
      if (byte === undefined) return undefined;
      length += (byte & 0x7f) * 128 ** index;
      if (length > this.maxBytes) throw new Error('a packet is too large');
      if (byte < 0x80) {
        const bodyStart = at + 2 + index;
        return { bodyStart, end: bodyStart + length };
      }
    }
    throw new Error('the length of a packet is malformed');
  }
}

/** @see http://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html#_Toc398718037 section 3.3 */
function readPublish(bytes: Buffer, at: number, { bodyStart, end }: Frame): IPublishPacket {
  const flags = bytes[at] ?? 0;
  const qos = (flags >> 1) & 3;
  // [MQTT-3.3.1-4]
  if (qos === 3) throw new Error('a PUBLISH has both bits of its QoS set');
  const topicStart = bodyStart + 2;
  const topicEnd = topicStart + (end < topicStart ? 0 : bytes.readUInt16BE(bodyStart));
  const payloadStart = topicEnd + (qos > 0 ? 2 : 0);
  if (payloadStart > end) throw new Error('a PUBLISH is shorter than its topic');
  const packet: IPublishPacket = {
    cmd: 'publish',
    retain: (flags & 1) !== 0,
    qos: qos as 0 | 1 | 2,
    dup: (flags & 8) !== 0,
    length: end - bodyStart,
    topic: bytes.toString('utf8', topicStart, topicEnd),
    payload: bytes.subarray(payloadStart, end),
  };
  if (qos > 0) packet.messageId = bytes.readUInt16BE(topicEnd);
  return packet;
}

/** One whole packet. Such packets are rare enough to have a parser each, rather than every connection one for ever. */
function readOther(frame: Buffer): Packet {
  const parser = createParser({ protocolVersion: 4 });
  let read: Packet | undefined;
  parser.on('packet', (packet) => {
    read = packet;
  });
  parser.on('error', (error: Error) => {
    throw error;
  });
  parser.parse(frame);
  if (read === undefined) throw new Error('malformed packet');
  return read;
}
