/** Keeps the most recently used values up to a number of bytes in all. */
export class ByteCappedCache<Value extends { bytes: Buffer }> {
  private readonly values = new Map<string, Value>();
  private sizeBytes = 0;

  constructor(private readonly maxBytes: number) {}

  get(key: string): Value | undefined {
    const value = this.values.get(key);
    if (value) {
      // A map keeps the order of insertion: the first key is the one unused for longest.
      this.values.delete(key);
      this.values.set(key, value);
    }
    return value;
  }

  set(key: string, value: Value): void {
    this.remove(key);
    if (value.bytes.length > this.maxBytes) return;
    this.values.set(key, value);
    this.sizeBytes += value.bytes.length;
    for (const oldest of this.values.keys()) {
      if (this.sizeBytes <= this.maxBytes) break;
      this.remove(oldest);
    }
  }

  private remove(key: string): void {
    this.sizeBytes -= this.values.get(key)?.bytes.length ?? 0;
    this.values.delete(key);
  }
}
