import { ProgressBar } from './progress-bar.js';

class Terminal {
  written = '';
  constructor(readonly isTTY: boolean) {}
  write(text: string): void {
    this.written += text;
  }
}

describe(ProgressBar.name, () => {
  it('shows how much is done, each state once', () => {
    const terminal = new Terminal(true);
    const bar = new ProgressBar(terminal, 1_000);
    for (const doneBytes of [0, 1, 500, 500, 1_000, 1_200]) bar.show(doneBytes);
    bar.end();
    expect(terminal.written.split('\r').slice(1)).toEqual([
      `[${'.'.repeat(30)}] 0 %`,
      `[${'#'.repeat(15)}${'.'.repeat(15)}] 50 %`,
      `[${'#'.repeat(30)}] 100 %\n`,
    ]);
  });

  it('is whole at once for an empty file', () => {
    const terminal = new Terminal(true);
    new ProgressBar(terminal, 0).show(0);
    expect(terminal.written).toContain('100 %');
  });

  it('writes nothing where there is no terminal', () => {
    const terminal = new Terminal(false);
    const bar = new ProgressBar(terminal, 10);
    bar.show(5);
    bar.end();
    expect(terminal.written).toBe('');
  });
});
