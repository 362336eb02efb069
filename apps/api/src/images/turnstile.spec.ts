import { Turnstile } from './turnstile.js';

describe(Turnstile.name, () => {
  it('runs so many at once, the rest in order, and refuses beyond the line', async () => {
    const turnstile = new Turnstile(2, 2, () => new Error('full'));
    const started: number[] = [];
    const finish: (() => void)[] = [];
    const task = (id: number) =>
      turnstile.run(() => {
        started.push(id);
        return new Promise<number>((resolve) => {
          finish.push(() => {
            resolve(id);
          });
        });
      });
    const tasks = [1, 2, 3, 4].map(task);
    await expect(task(5)).rejects.toThrow('full');
    expect(started).toEqual([1, 2]);
    finish[0]?.();
    await tasks[0];
    expect(started).toEqual([1, 2, 3]);
    finish[1]?.();
    finish[2]?.();
    await tasks[2];
    finish[3]?.();
    expect(await Promise.all(tasks)).toEqual([1, 2, 3, 4]);
  });

  it('lets the next one in after a failure', async () => {
    const turnstile = new Turnstile(1, 1, () => new Error('full'));
    const failing = turnstile.run(() => Promise.reject(new Error('broken')));
    const next = turnstile.run(() => Promise.resolve('done'));
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('done');
  });
});
