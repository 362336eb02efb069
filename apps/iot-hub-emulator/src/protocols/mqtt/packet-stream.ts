import type { Duplex } from 'node:stream';
import { generate, parser as createParser, type Packet } from 'mqtt-packet';
import { PacketLimit } from './packet-limit.js';

/** A PUBLISH may fill its topic (64 KiB, percent-encoded properties) beside a message of 256 KiB. */
const MAX_PACKET_BYTES = (256 + 64) * 1024 + 4;
/** A CONNECT comes from a stranger: room for a Will of 64 KiB and a token, no more. */
const MAX_CONNECT_BYTES = 80 * 1024;
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
  private readonly parser = createParser({ protocolVersion: 4 });
  private readonly limit = new PacketLimit(MAX_CONNECT_BYTES, MAX_PACKET_BYTES);
  private held: Packet[] | undefined;
  private paused = false;
  private corked = false;
  private ended = false;

  constructor(
    private readonly stream: Duplex,
    private handlers: PacketHandlers,
  ) {
    this.parser.on('packet', (packet) => {
      if (this.held) this.held.push(packet);
      else if (!this.ended) this.handlers.packet(packet);
    });
    this.parser.on('error', (error: Error) => {
      this.violation(error.message);
    });
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
    if (this.stream.writableLength > MAX_UNSENT_BYTES) {
      this.violation('the client does not read what it is sent');
      return;
    }
    if (!this.corked) {
      this.corked = true;
      this.stream.cork();
      process.nextTick(() => {
        this.corked = false;
        this.stream.uncork();
      });
    }
    if (sent === undefined) this.stream.write(bytes);
    else {
      this.stream.write(bytes, (error) => {
        if (!error) sent();
      });
    }
  }

  /** Sends what is still to be sent, then closes. Nothing is received any more. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
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
    if (!this.limit.allows(chunk)) {
      this.violation('a packet is too large, or its length is malformed');
      return;
    }
    this.handlers.activity();
    try {
      this.parser.parse(chunk);
    } catch (cause) {
      this.violation(cause instanceof Error ? cause.message : 'malformed packet');
    }
  }

  private violation(reason: string): void {
    if (this.isOver) return;
    this.handlers.violation(reason);
  }
}
