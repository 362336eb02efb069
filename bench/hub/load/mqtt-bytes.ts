/** As little of MQTT 3.1.1 as a load generator needs: packets are encoded once, and answers read without being understood. */

const MAX_LENGTH_BYTES = 4;

export const CONNACK = 0x20;
export const PUBACK = 0x40;
export const PUBLISH = 0x30;
export const SUBACK = 0x90;
export const PINGRESP = 0xd0;

export const PINGREQ_BYTES = Buffer.from([0xc0, 0]);
export const PUBACK_BYTES = 4;

export interface Credentials {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
}

/** A CONNECT with clean session and a keep-alive longer than any measurement. */
export function connectPacket({ clientId, username, password }: Credentials): Buffer {
  const keepAliveSeconds = 1_800;
  const flags = 0xc2;
  const head = Buffer.from([...text('MQTT'), 4, flags, keepAliveSeconds >> 8, keepAliveSeconds & 0xff]);
  return packet(0x10, head, text(clientId), text(username), text(password));
}

/** A PUBLISH of QoS 1, or of QoS 0 without an id. */
export function publishPacket(topic: string, payload: Buffer, messageId?: number): Buffer {
  if (messageId === undefined) return packet(PUBLISH, text(topic), payload);
  return packet(PUBLISH | 2, text(topic), Buffer.from([messageId >> 8, messageId & 0xff]), payload);
}

export function subscribePacket(topic: string, messageId: number): Buffer {
  return packet(0x82, Buffer.from([messageId >> 8, messageId & 0xff]), text(topic), Buffer.from([0]));
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

function packet(header: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let rest = body.length;
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Buffer.concat([Buffer.from([header, ...length]), body]);
}

/** Cuts a byte stream into packets. */
export class PacketReader {
  private rest: Buffer | undefined;

  /** @param onPacket gets the type (upper half of the first byte, lower half cleared) and what follows the length. */
  constructor(private readonly onPacket: (type: number, body: Buffer) => void) {}

  read(chunk: Buffer): void {
    const bytes = this.rest ? Buffer.concat([this.rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      let length = 0;
      let lengthBytes = 0;
      let complete = false;
      while (!complete && lengthBytes < MAX_LENGTH_BYTES && at + 1 + lengthBytes < bytes.length) {
        const byte = bytes[at + 1 + lengthBytes] ?? 0;
        length |= (byte & 0x7f) << (7 * lengthBytes);
        lengthBytes += 1;
        complete = byte < 0x80;
      }
      const start = at + 1 + lengthBytes;
      if (!complete || start + length > bytes.length) break;
      this.onPacket((bytes[at] ?? 0) & 0xf0, bytes.subarray(start, start + length));
      at = start + length;
    }
    this.rest = at < bytes.length ? bytes.subarray(at) : undefined;
  }
}

/** Topic and payload of a PUBLISH of QoS 0. */
export function readPublish(body: Buffer): { topic: string; payload: Buffer } {
  const topicEnd = 2 + body.readUInt16BE(0);
  return { topic: body.toString('latin1', 2, topicEnd), payload: body.subarray(topicEnd) };
}
