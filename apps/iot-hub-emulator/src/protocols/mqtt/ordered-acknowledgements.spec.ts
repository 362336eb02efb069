import { OrderedAcknowledgements } from './ordered-acknowledgements.js';

const tick = () => new Promise((resolve) => setImmediate(resolve));

describe(OrderedAcknowledgements.name, () => {
  it('acknowledges in order of arrival, each only once its work and that of the earlier ones is done', async () => {
    const sent: string[] = [];
    const acknowledgements = new OrderedAcknowledgements();
    const work = ['a', 'b', 'c'].map((name) => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      acknowledgements.add(promise, () => sent.push(name), fail);
      return () => {
        resolve(undefined);
      };
    });

    work[1]?.();
    await tick();
    expect(sent).toEqual([]);
    expect(acknowledgements.outstanding).toBe(3);

    work[0]?.();
    await tick();
    expect(sent).toEqual(['a', 'b']);
    expect(acknowledgements.outstanding).toBe(1);

    work[2]?.();
    await tick();
    expect(sent).toEqual(['a', 'b', 'c']);
    expect(acknowledgements.outstanding).toBe(0);
  });

  it('acknowledges nothing after a failure, and tells of it', async () => {
    const sent: string[] = [];
    const failures: unknown[] = [];
    const acknowledgements = new OrderedAcknowledgements();
    const failed = (cause: unknown) => failures.push(cause);
    acknowledgements.add(Promise.reject(new Error('disk full')), () => sent.push('a'), failed);
    acknowledgements.add(Promise.resolve(), () => sent.push('b'), failed);
    await tick();
    expect(sent).toEqual([]);
    expect(failures).toEqual([new Error('disk full')]);
  });
});

function fail(cause: unknown): never {
  throw cause;
}
