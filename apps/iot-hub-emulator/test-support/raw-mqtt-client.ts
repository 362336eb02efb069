import type { Duplex } from 'node:stream';
import { generate, type IPublishPacket, type Packet, parser as createParser } from 'mqtt-packet';

/** The other end of a connection: raw packets, no SDK. */
export class RawClient {
  readonly received: Packet[] = [];
  closed = false;
  private readonly parser = createParser({ protocolVersion: 4 });
  private changed: () => void = () => undefined;

  constructor(readonly stream: Duplex) {
    this.parser.on('packet', (packet) => {
      this.received.push({ ...packet });
      this.changed();
    });
    stream.on('data', (chunk: Buffer) => this.parser.parse(chunk));
    stream.on('end', () => {
      this.closed = true;
      this.changed();
    });
    stream.on('error', () => undefined);
  }

  send(...packets: Packet[]): this {
    for (const packet of packets) this.stream.write(generate(packet));
    return this;
  }

  publish(topic: string, payload: string | Buffer = '', options: Partial<IPublishPacket> = {}): this {
    return this.send({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false, ...options });
  }

  subscribe(filter: string, qos: 0 | 1 | 2 = 0): this {
    return this.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: filter, qos }] });
  }

  /** The next packet, or `closed`. */
  async next(): Promise<Packet | 'closed'> {
    while (this.received.length === 0 && !this.closed) {
      await new Promise<void>((resolve) => {
        this.changed = resolve;
      });
    }
    return this.received.shift() ?? 'closed';
  }
}
