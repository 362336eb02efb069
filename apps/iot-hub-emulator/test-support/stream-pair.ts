import { Duplex } from 'node:stream';

/**
 * The two ends of a connection in memory. As with sockets, and not as with Node's own `duplexPair`, what one end writes
 * comes to the other in a later turn of the event loop, and a destroyed end closes the other.
 */
export function streamPair(): [Duplex, Duplex] {
  const ends: [End, End] = [new End(), new End()];
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  return ends;
}

class End extends Duplex {
  other: End;
  private blocked: (() => void) | undefined;
  private underWay = 0;

  override _read(): void {
    const { blocked } = this;
    this.blocked = undefined;
    blocked?.();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const { other } = this;
    this.underWay += chunk.length;
    setImmediate(() => {
      this.underWay -= chunk.length;
      if (!other.destroyed) other.push(chunk);
    });
    if (other.readableLength + this.underWay < other.readableHighWaterMark) done();
    else other.blocked = done;
  }

  override _final(done: () => void): void {
    setImmediate(() => {
      if (!this.other.destroyed) this.other.push(null);
    });
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    setImmediate(() => this.other.destroy());
    done(error);
  }
}
