import type { Duplex } from 'node:stream';
import { generate, type Packet } from 'mqtt-packet';
import { PacketReader, type PacketLimits } from './packet-reader.js';

const LIMITS: PacketLimits = {
  // A CONNECT comes from a stranger: room for a Will of 64 KiB and a token, no more.
  firstBytes: 80 * 1024,
  // A PUBLISH may fill its topic (64 KiB, percent-encoded properties) beside a message of 256 KiB.
  laterBytes: (256 + 64) * 1024 + 4,
};
/** What may wait in memory for a client that does not read. */
const MAX_UNSENT_BYTES = 1024 * 1024;
/** How long a client may take to close its side after us. */
const LINGER_MS = 2_000;

export interface PacketHandlers {
  packet(packet: Packet): void;
  /** Something arrived; called before its packets. For keep-alive. */
  activity(): void;
  /** The bytes are not MQTT, or beyond a limit. The stream still has to be ended. */
  violation(reason: string): void;
  /** The connection is gone, for whatever reason. Called once, last. */
  closed(): void;
}

/** MQTT packets over a byte stream. */
export class PacketStream {
  private readonly reader = new PacketReader(LIMITS, (packet) => {
    if (this.held) this.held.push(packet);
    else if (!this.ended) this.handlers.packet(packet);
  });
  private held: Packet[] | undefined;
  private paused = false;
  /** Packets of this turn of the event loop. */
  private unsent: { readonly chunks: Buffer[]; bytes: number; readonly sent: (() => void)[] } | undefined;
  private ended = false;

  constructor(
    private readonly stream: Duplex,
    private handlers: PacketHandlers,
  ) {
    stream.on('data', (chunk: Buffer) => {
      this.receive(chunk);
    });
    stream.on('error', () => stream.destroy());
    // MQTT knows no half-closed connections.
    stream.once('end', () => stream.end());
    stream.resume();
    stream.once('close', () => {
      this.ended = true;
      this.handlers.closed();
    });
  }

  /** Hands everything that arrives from now on to others: the session takes over from the CONNECT. */
  handOver(handlers: PacketHandlers): void {
    this.handlers = handlers;
  }

  /** Whether nothing is received or sent any more. */
  get isOver(): boolean {
    return this.ended;
  }

  /** Keeps packets back, and stops reading, until {@link release}. */
  hold(): void {
    this.held ??= [];
    this.setPaused(true);
  }

  release(): void {
    const packets = this.held ?? [];
    this.held = undefined;
    for (const packet of packets) if (!this.isOver) this.handlers.packet(packet);
    this.setPaused(false);
  }

  /** Stops or goes on reading from the client. What has been read already is still handed over. */
  setPaused(paused: boolean): void {
    if (paused === this.paused || this.ended) return;
    this.paused = paused;
    if (paused) this.stream.pause();
    else this.stream.resume();
  }

  /** Sends a packet. Packets of one turn of the event loop leave together. @param sent called once it has left. */
  send(packet: Packet, sent?: () => void): void {
    this.sendBytes(generate(packet), sent);
  }

  sendBytes(bytes: Buffer, sent?: () => void): void {
    if (this.ended || this.stream.destroyed) return;
    if (this.stream.writableLength + (this.unsent?.bytes ?? 0) > MAX_UNSENT_BYTES) {
      this.violation('the client does not read what it is sent');
      return;
    }
    if (this.unsent === undefined) {
      this.unsent = { chunks: [], bytes: 0, sent: [] };
      process.nextTick(this.flush);
    }
    this.unsent.chunks.push(bytes);
    this.unsent.bytes += bytes.length;
    if (sent) this.unsent.sent.push(sent);
  }

  /** One write for all: for each of them, the stream, TLS and the kernel would take longer than we for the packet. */
  private readonly flush = (): void => {
    const { unsent } = this;
    if (unsent === undefined) return;
    this.unsent = undefined;
    const { chunks, bytes, sent } = unsent;
    const [only] = chunks;
    this.stream.write(chunks.length === 1 ? only : Buffer.concat(chunks, bytes), (error) => {
      if (!error) for (const task of sent) task();
    });
  };

  /** Sends what is still to be sent, then closes. Nothing is received any more. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.flush();
    const timer = setTimeout(() => this.stream.destroy(), LINGER_MS);
    timer.unref();
    this.stream.once('close', () => {
      clearTimeout(timer);
    });
    // Reading goes on, into nothing: bytes left unread would turn the close into a reset that loses our last packet.
    this.stream.resume();
    this.stream.end();
  }

  private receive(chunk: Buffer): void {
    if (this.ended) return;
    this.handlers.activity();
    try {
      this.reader.read(chunk);
    } catch (cause) {
      this.violation(cause instanceof Error ? cause.message : 'malformed packet');
    }
  }

  private violation(reason: string): void {
    if (this.isOver) return;
    this.handlers.violation(reason);
  }
}
