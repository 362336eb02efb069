interface Entry {
  settled: boolean;
  acknowledge: (() => void) | undefined;
}

/**
 * Sends acknowledgements in the order in which the packets arrived, each only after its work is done [MQTT-4.6.0-2],
 * and counts what is still under way.
 */
export class OrderedAcknowledgements {
  private readonly entries: Entry[] = [];

  /** How many packets wait for their work, or for the work of an earlier one. */
  get outstanding(): number {
    return this.entries.length;
  }

  /**
   * @param work what must be done first
   * @param acknowledge called in order after `work` resolved; undefined when the packet wants no acknowledgement
   * @param failed called at once when `work` rejects; nothing after it is acknowledged any more
   */
  add(work: Promise<unknown>, acknowledge: (() => void) | undefined, failed: (cause: unknown) => void): void {
    const entry: Entry = { settled: false, acknowledge };
    this.entries.push(entry);
    work.then(() => {
      entry.settled = true;
      this.flush();
    }, failed);
  }

  private flush(): void {
    let done = 0;
    while (this.entries[done]?.settled === true) {
      this.entries[done]?.acknowledge?.();
      done += 1;
    }
    if (done > 0) this.entries.splice(0, done);
  }
}
