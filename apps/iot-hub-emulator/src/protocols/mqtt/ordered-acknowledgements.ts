/** Packets that came one after another and wait for the same work. */
interface Group<T> {
  readonly work: Promise<unknown>;
  readonly packets: T[];
  isDone: boolean;
}

/**
 * Acknowledges packets in the order in which they arrived, each only after its work is done [MQTT-4.6.0-2], and counts
 * those that still wait.
 */
export class OrderedAcknowledgements<T> {
  private groups: Group<T>[] = [];
  private waiting = 0;

  /**
   * @param acknowledge called with packets whose work is done, in order
   * @param failed called at once when work rejects; nothing after it is acknowledged any more
   */
  constructor(
    private readonly acknowledge: (packets: readonly T[]) => void,
    private readonly failed: (cause: unknown) => void,
  ) {}

  /** How many packets wait for their work, or for the work of an earlier one. */
  get outstanding(): number {
    return this.waiting;
  }

  add(packet: T, work: Promise<unknown>): void {
    this.waiting += 1;
    const last = this.groups.at(-1);
    // All messages of one commit have the same promise.
    if (last?.work === work && !last.isDone) {
      last.packets.push(packet);
      return;
    }
    const group: Group<T> = { work, packets: [packet], isDone: false };
    this.groups.push(group);
    work.then(() => {
      group.isDone = true;
      this.flush();
    }, this.failed);
  }

  private flush(): void {
    for (let first = this.groups[0]; first?.isDone === true; first = this.groups[0]) {
      this.groups.shift();
      this.waiting -= first.packets.length;
      this.acknowledge(first.packets);
    }
  }
}
