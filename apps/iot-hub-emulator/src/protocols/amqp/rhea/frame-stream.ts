import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';

/** The largest frame we take, as announced in our open. IoT Hub's own limit. A longer message comes in several frames. */
export const MAX_FRAME_BYTES = 64 * 1024;
/** What may wait in memory for a client that does not read, before we read no more of it either and send it no more. */
const MAX_UNSENT_BYTES = 1024 * 1024;
/** How long a client may take to close its side after us. */
const LINGER_MS = 2_000;

/** Frame header and protocol header alike. */
const HEADER_BYTES = 8;
/** `AMQP`, where a frame would have its size. */
const PROTOCOL_HEADER = 0x414d5150;
const SASL_FRAME = 1;

export interface FrameStreamHandlers {
  /** The bytes are not AMQP, or beyond a limit. The stream has been ended. */
  violation(reason: string): void;
  /** What was unsent has gone out, after {@link FrameStream.isCongested}. */
  drained(): void;
  /** The connection is gone, for whatever reason. Called once, last. */
  closed(): void;
}

/**
 * What rhea takes for its socket: hands it whole frames only, none over the limit, and stops reading while the client does
 * not read what we send (rhea itself buffers without limit in both directions).
 *
 * @see http://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-transport-v1.0-os.html#section-framing
 */
export class FrameStream extends EventEmitter {
  private chunks: Buffer[] = [];
  private bytes = 0;
  /** How many bytes make the next frame whole. */
  private needed = HEADER_BYTES;
  private held = false;
  private ended = false;

  constructor(
    private readonly stream: Duplex,
    private readonly handlers: FrameStreamHandlers,
  ) {
    super();
    stream.on('data', (chunk: Buffer) => {
      this.receive(chunk);
    });
    stream.on('error', () => stream.destroy());
    stream.on('drain', () => {
      if (this.ended) return;
      this.release();
      this.handlers.drained();
    });
    // AMQP knows no half-closed connections.
    stream.once('end', () => {
      this.end();
    });
    stream.once('close', () => {
      this.ended = true;
      // Lets rhea stop its timers.
      this.emit('end');
      this.handlers.closed();
    });
  }

  /** Starts reading. */
  start(): void {
    this.stream.resume();
  }

  /** Whether the client reads too slowly for us to send it more. */
  get isCongested(): boolean {
    return this.ended || this.stream.writableLength > MAX_UNSENT_BYTES;
  }

  // What rhea calls

  write(bytes: Buffer): void {
    if (this.ended) return;
    this.stream.write(bytes);
    if (this.isCongested) this.stream.pause();
  }

  /** Lets out what was written, and takes nothing more in. */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.chunks = [];
    this.stream.end();
    // What still comes is read and dropped, so that the other side's end is seen.
    this.stream.resume();
    const timer = setTimeout(() => this.stream.destroy(), LINGER_MS);
    timer.unref();
    this.stream.once('close', () => {
      clearTimeout(timer);
    });
  }

  destroy(): void {
    this.stream.destroy();
  }

  private receive(chunk: Buffer): void {
    if (this.ended) return;
    this.chunks.push(chunk);
    this.bytes += chunk.length;
    this.deliver();
  }

  /** Hands on all frames that are whole. Within SASL one at a time: its answer may change what the next bytes mean. */
  private deliver(): void {
    while (!this.ended && !this.held && this.bytes >= this.needed) {
      const buffer = this.chunks.length === 1 && this.chunks[0] ? this.chunks[0] : Buffer.concat(this.chunks);
      const whole = this.wholeFrames(buffer);
      if (typeof whole === 'string') {
        this.end();
        this.handlers.violation(whole);
        return;
      }
      this.chunks = whole < buffer.length ? [buffer.subarray(whole)] : [];
      this.bytes = buffer.length - whole;
      if (whole === 0) return;
      this.emit('data', buffer.subarray(0, whole));
      if (this.isCongested) this.hold();
    }
  }

  /** How many bytes of the buffer are whole frames to hand on now; or why its first ones cannot be a frame. */
  private wholeFrames(buffer: Buffer): number | string {
    let at = 0;
    while (buffer.length - at >= HEADER_BYTES) {
      const size = buffer.readUInt32BE(at);
      const isHeader = size === PROTOCOL_HEADER;
      if (!isHeader && (size < HEADER_BYTES || size > MAX_FRAME_BYTES)) {
        return `a frame of ${size} bytes: ${HEADER_BYTES} to ${MAX_FRAME_BYTES} are allowed`;
      }
      const end = at + (isHeader ? HEADER_BYTES : size);
      if (buffer.length < end) {
        this.needed = end - at;
        return at;
      }
      const isSasl = !isHeader && buffer[at + 5] === SASL_FRAME;
      if ((isSasl || isHeader) && at > 0) break;
      at = end;
      if (isSasl) this.holdForSasl();
      if (isSasl || isHeader) break;
    }
    this.needed = HEADER_BYTES;
    return at;
  }

  private hold(): void {
    this.held = true;
    this.stream.pause();
  }

  /** The outcome is decided within promises that are settled: it is there in the next turn of the event loop. */
  private holdForSasl(): void {
    this.hold();
    setImmediate(() => {
      this.release();
    });
  }

  private release(): void {
    this.held = false;
    if (this.ended || this.isCongested) return;
    this.stream.resume();
    this.deliver();
  }
}
