import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { generate, parser as createParser, type IConnectPacket, type IPublishPacket, type Packet } from 'mqtt-packet';
import { createWebSocketStream, WebSocket } from 'ws';

/** Where a hub is, and what to trust. */
export interface HubAddress {
  readonly port: number;
  readonly ca: string | Buffer;
  /** PEM of the certificate that the client shows, with its issuers', and of its key. */
  readonly cert?: string;
  readonly key?: string;
}

/** A TLS byte stream to a hub. @param from the address of this machine's own that it comes from, for example 127.0.0.2 */
export async function openTls(address: HubAddress, from?: string): Promise<Duplex> {
  const way = from === undefined ? { host: 'localhost' } : { host: '127.0.0.1', localAddress: from };
  const socket = connectTls({ ...address, ...way, servername: 'localhost' }).setNoDelay();
  await once(socket, 'secureConnect');
  // Whoever uses the stream sees its close.
  socket.on('error', () => undefined);
  return socket;
}

/** The byte stream within a WebSocket to a hub. */
export async function openWebSocket({ port, ca }: HubAddress, protocol = 'mqtt'): Promise<Duplex> {
  const socket = new WebSocket(`wss://localhost:${port}/$iothub/websocket`, protocol, { ca });
  await once(socket, 'open');
  return createWebSocketStream(socket).on('error', () => undefined);
}

interface Waiting {
  readonly resolve: (packet: Packet) => void;
  readonly reject: (cause: Error) => void;
}

/**
 * An MQTT connection that does no more and no less than it is told: no reconnecting, no resending, no state kept. Packets may
 * be sent that no client library would send.
 */
export class RawMqtt {
  /** Resolves when the connection is gone, whoever ended it. */
  readonly closed: Promise<void>;
  isClosed = false;
  /** Messages from the hub; acknowledged by {@link acknowledge} alone. */
  onPublish: (packet: IPublishPacket) => void = () => undefined;
  private readonly waiting = new Map<string, Waiting>();
  private lastId = 0;

  constructor(readonly stream: Duplex) {
    const parser = createParser({ protocolVersion: 4 });
    parser.on('packet', (packet) => {
      this.receive(packet);
    });
    stream.on('data', (chunk: Buffer) => parser.parse(chunk));
    stream.on('error', () => stream.destroy());
    stream.on('end', () => stream.destroy());
    this.closed = new Promise((resolve) => {
      stream.once('close', () => {
        this.isClosed = true;
        const lost = new Error('The connection is closed.');
        for (const { reject } of this.waiting.values()) reject(lost);
        this.waiting.clear();
        resolve();
      });
    });
  }

  /** Sends CONNECT. @returns the code of the CONNACK. @throws Error when the hub closes the connection without one. */
  async connect(packet: Pick<IConnectPacket, 'clientId'> & Partial<IConnectPacket>): Promise<number> {
    const answer = this.expect('connack');
    this.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: true,
      keepalive: 0,
      ...packet,
    });
    const connack = await answer;
    return connack.cmd === 'connack' ? (connack.returnCode ?? -1) : -1;
  }

  /** Publishes with QoS 1. Resolves with the PUBACK; throws when the connection ends before it. */
  async publish(topic: string, payload: string | Buffer): Promise<void> {
    const messageId = this.nextId();
    const answer = this.expect(`puback ${messageId}`);
    this.send({ cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false });
    await answer;
  }

  /** @returns the granted QoS of each, 128 for a refused one. */
  async subscribe(...topics: string[]): Promise<number[]> {
    const messageId = this.nextId();
    const answer = this.expect(`suback ${messageId}`);
    this.send({ cmd: 'subscribe', messageId, subscriptions: topics.map((topic) => ({ topic, qos: 1 })) });
    const suback = await answer;
    return suback.cmd === 'suback' ? suback.granted.map(Number) : [];
  }

  async ping(): Promise<void> {
    const answer = this.expect('pingresp');
    this.send({ cmd: 'pingreq' });
    await answer;
  }

  acknowledge({ messageId }: IPublishPacket): void {
    if (messageId !== undefined) this.send({ cmd: 'puback', messageId });
  }

  send(packet: Packet): void {
    if (!this.stream.destroyed) this.stream.write(generate(packet));
  }

  /** Says goodbye, and closes. */
  disconnect(): void {
    this.send({ cmd: 'disconnect' });
    this.stream.end();
  }

  /** Goes without a word. */
  destroy(): void {
    this.stream.destroy();
  }

  private nextId(): number {
    this.lastId = (this.lastId % 0xffff) + 1;
    return this.lastId;
  }

  private expect(answer: string): Promise<Packet> {
    if (this.isClosed) return Promise.reject(new Error('The connection is closed.'));
    return new Promise((resolve, reject) => this.waiting.set(answer, { resolve, reject }));
  }

  private receive(packet: Packet): void {
    if (packet.cmd === 'publish') {
      this.onPublish(packet);
      return;
    }
    const key =
      packet.cmd === 'puback' || packet.cmd === 'suback' ? `${packet.cmd} ${packet.messageId ?? 0}` : packet.cmd;
    const waiting = this.waiting.get(key);
    this.waiting.delete(key);
    waiting?.resolve(packet);
  }
}
