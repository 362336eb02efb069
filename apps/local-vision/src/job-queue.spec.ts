import { JobQueue, QueueFullError } from './job-queue.js';

const always = new AbortController().signal;

/** A job that runs until it is told to end. */
function heldJob() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const job = jest.fn(() => promise);
  return { job, end: resolve, fail: reject };
}

describe(JobQueue, () => {
  it('runs one job at a time, in the order of arrival', async () => {
    const queue = new JobQueue(2);
    const [first, second, third] = [heldJob(), heldJob(), heldJob()];
    const results = [first, second, third].map(({ job }) => queue.run(job, always));
    expect([first, second, third].map(({ job }) => job.mock.calls.length)).toEqual([1, 0, 0]);
    first.end('1');
    await expect(results[0]).resolves.toBe('1');
    expect([first, second, third].map(({ job }) => job.mock.calls.length)).toEqual([1, 1, 0]);
    second.fail(new Error('broken'));
    await expect(results[1]).rejects.toThrow('broken');
    third.end('3');
    await expect(results[2]).resolves.toBe('3');
    expect(queue.length).toBe(0);
  });

  it('refuses the job beyond the limit at once, and takes one again when a place is free', async () => {
    const queue = new JobQueue(1);
    const [first, second] = [heldJob(), heldJob()];
    const results = [first, second].map(({ job }) => queue.run(job, always));
    const refused = jest.fn(() => Promise.resolve());
    expect(queue.isFull).toBe(true);
    await expect(queue.run(refused, always)).rejects.toThrow(QueueFullError);
    expect(refused).not.toHaveBeenCalled();
    first.end('1');
    second.end('2');
    await Promise.all(results);
    await expect(queue.run(() => Promise.resolve('again'), always)).resolves.toBe('again');
  });

  it('never starts a job whose caller has gone, and frees its place', async () => {
    const queue = new JobQueue(1);
    const [first, gone, next] = [heldJob(), heldJob(), heldJob()];
    const running = queue.run(first.job, always);
    const caller = new AbortController();
    const waiting = queue.run(gone.job, caller.signal);
    caller.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    const after = queue.run(next.job, always);
    first.end('1');
    next.end('2');
    await expect(Promise.all([running, after])).resolves.toEqual(['1', '2']);
    expect(gone.job).not.toHaveBeenCalled();
  });
});
