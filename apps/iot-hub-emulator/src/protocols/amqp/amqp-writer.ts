/** Type codes. @see https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-types-v1.0-os.html#section-primitive-type-definitions */
const TYPE = {
  described: 0x00,
  null: 0x40,
  smallUlong: 0x53,
  long: 0x81,
  timestamp: 0x83,
  binary8: 0xa0,
  string8: 0xa1,
  symbol8: 0xa3,
  binary32: 0xb0,
  string32: 0xb1,
  symbol32: 0xb3,
  list32: 0xd0,
  map32: 0xd1,
} as const;

const FIRST_SIZE_BYTES = 16 * 1024;
const LARGEST_SHORT_BYTES = 255;

/** A symbol's encoding, for keys that are written again and again. */
export function amqpSymbol(text: string): Buffer {
  return Buffer.concat([Buffer.from([TYPE.symbol8, text.length]), Buffer.from(text, 'ascii')]);
}

/**
 * Writes AMQP values straight into bytes: the many messages of an event hub's readers are not worth an object for each of
 * their values. Maps and lists do not nest.
 */
export class AmqpWriter {
  private buffer = Buffer.allocUnsafeSlow(FIRST_SIZE_BYTES);
  private length = 0;
  private compoundAt = 0;

  /** Begins anew. */
  reset(): void {
    this.length = 0;
  }

  /** The descriptor of a message's section; its value follows. */
  section(code: number): void {
    this.reserve(3);
    this.buffer[this.length] = TYPE.described;
    this.buffer[this.length + 1] = TYPE.smallUlong;
    this.buffer[this.length + 2] = code;
    this.length += 3;
  }

  beginMap(): void {
    this.beginCompound(TYPE.map32);
  }

  /** @param count keys and values together. */
  endMap(count: number): void {
    this.endCompound(count);
  }

  beginList(): void {
    this.beginCompound(TYPE.list32);
  }

  endList(count: number): void {
    this.endCompound(count);
  }

  /** What is encoded already. */
  raw(bytes: Uint8Array): this {
    this.reserve(bytes.byteLength);
    this.buffer.set(bytes, this.length);
    this.length += bytes.byteLength;
    return this;
  }

  null(): this {
    this.reserve(1);
    this.buffer[this.length] = TYPE.null;
    this.length += 1;
    return this;
  }

  long(value: number): this {
    return this.eightBytes(TYPE.long, value);
  }

  /** @param timeMs milliseconds since 1970. */
  timestamp(timeMs: number): this {
    return this.eightBytes(TYPE.timestamp, timeMs);
  }

  string(text: string): this {
    return this.text(text, TYPE.string8, TYPE.string32);
  }

  optionalString(text: string | undefined): this {
    return text === undefined ? this.null() : this.string(text);
  }

  optionalSymbol(text: string | undefined): this {
    return text === undefined ? this.null() : this.text(text, TYPE.symbol8, TYPE.symbol32);
  }

  binary(bytes: Uint8Array): this {
    this.binaryHead(bytes.byteLength);
    return this.raw(bytes);
  }

  /** All that was written and one more binary, which may be large, in a buffer of its own. */
  endWithBinary(bytes: Uint8Array): Buffer {
    this.binaryHead(bytes.byteLength);
    const result = Buffer.allocUnsafe(this.length + bytes.byteLength);
    this.buffer.copy(result, 0, 0, this.length);
    result.set(bytes, this.length);
    return result;
  }

  private binaryHead(sizeBytes: number): void {
    this.head(sizeBytes, TYPE.binary8, TYPE.binary32);
  }

  private text(text: string, short: number, long: number): this {
    // A character has three bytes at most, but for pairs, which are two characters of four.
    const most = text.length * 3;
    if (most <= LARGEST_SHORT_BYTES) {
      this.reserve(2 + most);
      const written = this.buffer.write(text, this.length + 2);
      this.buffer[this.length] = short;
      this.buffer[this.length + 1] = written;
      this.length += 2 + written;
      return this;
    }
    const sizeBytes = Buffer.byteLength(text);
    this.head(sizeBytes, short, long);
    this.reserve(sizeBytes);
    this.length += this.buffer.write(text, this.length);
    return this;
  }

  private head(sizeBytes: number, short: number, long: number): void {
    this.reserve(5);
    if (sizeBytes <= LARGEST_SHORT_BYTES) {
      this.buffer[this.length] = short;
      this.buffer[this.length + 1] = sizeBytes;
      this.length += 2;
    } else {
      this.buffer[this.length] = long;
      this.buffer.writeUInt32BE(sizeBytes, this.length + 1);
      this.length += 5;
    }
  }

  private eightBytes(type: number, value: number): this {
    this.reserve(9);
    this.buffer[this.length] = type;
    this.buffer.writeInt32BE(Math.floor(value / 2 ** 32), this.length + 1);
    this.buffer.writeUInt32BE(((value % 2 ** 32) + 2 ** 32) % 2 ** 32, this.length + 5);
    this.length += 9;
    return this;
  }

  private beginCompound(type: number): void {
    this.reserve(9);
    this.buffer[this.length] = type;
    this.compoundAt = this.length + 1;
    this.length += 9;
  }

  private endCompound(count: number): void {
    // The size counts what follows it, the count's four bytes included.
    this.buffer.writeUInt32BE(this.length - this.compoundAt - 4, this.compoundAt);
    this.buffer.writeUInt32BE(count, this.compoundAt + 4);
  }

  private reserve(sizeBytes: number): void {
    const needed = this.length + sizeBytes;
    if (needed <= this.buffer.byteLength) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.byteLength * 2));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }
}
