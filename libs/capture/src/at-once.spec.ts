import { AtOnce } from './at-once.js';

describe(AtOnce.name, () => {
  it('runs so many tasks at the same time, and the others in their order, failed ones or not', async () => {
    const atOnce = new AtOnce(2);
    const events: string[] = [];
    let running = 0;
    const task = (name: string) => async (): Promise<string> => {
      running += 1;
      expect(running).toBeLessThanOrEqual(2);
      events.push(name);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      if (name === 'b') throw new Error('failed');
      return name;
    };
    const outcomes = await Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map((name) => atOnce.run(task(name))));
    expect(events).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
    expect(await atOnce.run(task('f'))).toBe('f');
  });
});
