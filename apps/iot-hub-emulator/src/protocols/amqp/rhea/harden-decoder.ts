import { types } from 'rhea';

/** rhea's reader of AMQP types. */
interface Reader {
  remaining(): number;
  read(): unknown;
  read_value(type: unknown): unknown;
  read_n(count: number): unknown[];
  read_array_items(count: number, type: unknown): unknown[];
}

/** A boolean in a byte of its own: what the Python SDKs write. */
const BOOLEAN = 0x56;

interface BooleanType {
  read(buffer: Buffer, offset: number): unknown;
  write(buffer: Buffer, value: unknown, offset: number): void;
}

/**
 * Makes rhea's decoder refuse lists, maps and arrays that announce more items than there are bytes left. As it comes, it
 * makes room for the announced number (up to 4 billion), and reads as many items of types that take no bytes at all.
 * A boolean in a byte of its own it reads as one, and not as 0 or 1.
 * Applies to the whole process; what else is well formed is read as before.
 */
export function hardenDecoder(): void {
  const { prototype } = (types as unknown as { Reader: { prototype: Reader } }).Reader;
  const readItems = (reader: Reader, count: number, read: () => unknown): unknown[] => {
    if (count > reader.remaining()) throw new RangeError(`${count} items are announced, in fewer bytes`);
    const items: unknown[] = [];
    while (items.length < count) items.push(read());
    return items;
  };
  const boolean = (types as unknown as { by_code: Record<number, BooleanType | undefined> }).by_code[BOOLEAN];
  if (boolean !== undefined) {
    boolean.read = (buffer, offset) => buffer.readUInt8(offset) === 1;
    boolean.write = (buffer, value, offset) => buffer.writeUInt8(Number(value), offset);
  }
  prototype.read_n = function (this: Reader, count) {
    return readItems(this, count, () => this.read());
  };
  prototype.read_array_items = function (this: Reader, count, type) {
    return readItems(this, count, () => this.read_value(type));
  };
}
