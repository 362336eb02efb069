const BAR_WIDTH = 30;

/** Shows on a terminal, and only there, how much of a known number of bytes is done. */
export class ProgressBar {
  private shown = '';

  constructor(
    private readonly terminal: { isTTY?: boolean; write(text: string): unknown },
    private readonly totalBytes: number,
  ) {}

  show(doneBytes: number): void {
    if (!this.terminal.isTTY) return;
    const share = this.totalBytes === 0 ? 1 : Math.min(1, doneBytes / this.totalBytes);
    const filled = Math.round(share * BAR_WIDTH);
    const line = `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${Math.round(share * 100)} %`;
    if (line === this.shown) return;
    this.shown = line;
    this.terminal.write(`\r${line}`);
  }

  /** Leaves the line, so that what follows begins on its own. */
  end(): void {
    if (this.shown) this.terminal.write('\n');
  }
}
