const REMAINING_LENGTH_MAX_BYTES = 4;

/**
 * Reads only the fixed headers of an MQTT byte stream, to tell as soon as a header has arrived that its packet is longer
 * than allowed: nothing of it needs to be held in memory then.
 *
 * @see http://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html#_Toc398718020 section 2.2
 */
export class PacketLimit {
  private inHeader = false;
  private bodyBytesLeft = 0;
  private length = 0;
  private lengthBytes = 0;

  private maxBytes: number;

  /**
   * @param firstMaxBytes longest "remaining length" of the first packet
   * @param laterMaxBytes the same for all that follow
   */
  constructor(
    firstMaxBytes: number,
    private readonly laterMaxBytes: number,
  ) {
    this.maxBytes = firstMaxBytes;
  }

  /** Whether all packets that begin in this chunk, or go on in it, are within the limit and well-formed in length. */
  allows(chunk: Uint8Array): boolean {
    let position = 0;
    while (position < chunk.length) {
      if (this.bodyBytesLeft > 0) {
        const skipped = Math.min(this.bodyBytesLeft, chunk.length - position);
        this.bodyBytesLeft -= skipped;
        position += skipped;
      } else if (this.inHeader) {
        if (!this.lengthByte(chunk[position] ?? 0)) return false;
        position += 1;
      } else {
        this.inHeader = true;
        this.length = 0;
        this.lengthBytes = 0;
        position += 1;
      }
    }
    return true;
  }

  private lengthByte(byte: number): boolean {
    this.length += (byte & 0x7f) * 128 ** this.lengthBytes;
    this.lengthBytes += 1;
    if (this.length > this.maxBytes) return false;
    if ((byte & 0x80) !== 0) return this.lengthBytes < REMAINING_LENGTH_MAX_BYTES;
    this.inHeader = false;
    this.bodyBytesLeft = this.length;
    this.maxBytes = this.laterMaxBytes;
    return true;
  }
}
