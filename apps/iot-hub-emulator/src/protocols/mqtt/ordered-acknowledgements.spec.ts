import { OrderedAcknowledgements } from './ordered-acknowledgements.js';

const tick = () => new Promise((resolve) => setImmediate(resolve));

describe(OrderedAcknowledgements.name, () => {
  let sent: (readonly string[])[];
  let failures: unknown[];
  let acknowledgements: OrderedAcknowledgements<string>;
  beforeEach(() => {
    sent = [];
    failures = [];
    acknowledgements = new OrderedAcknowledgements<string>(
      (packets) => sent.push(packets),
      (cause) => failures.push(cause),
    );
  });

  it('acknowledges in order of arrival, each only once its work and that of the earlier ones is done', async () => {
    const work = ['a', 'b', 'c'].map((name) => {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      acknowledgements.add(name, promise);
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
    expect(sent.flat()).toEqual(['a', 'b']);
    expect(acknowledgements.outstanding).toBe(1);

    work[2]?.();
    await tick();
    expect(sent.flat()).toEqual(['a', 'b', 'c']);
    expect(acknowledgements.outstanding).toBe(0);
  });

  it('acknowledges together what waited for the same work', async () => {
    const { promise: commit, resolve } = Promise.withResolvers<undefined>();
    acknowledgements.add('a', commit);
    acknowledgements.add('b', commit);
    acknowledgements.add('c', Promise.resolve());
    acknowledgements.add('d', commit);
    expect(acknowledgements.outstanding).toBe(4);
    resolve(undefined);
    await tick();
    expect(sent).toEqual([['a', 'b'], ['c'], ['d']]);
    // What was done before is done for later ones as well.
    acknowledgements.add('e', commit);
    await tick();
    expect(sent.at(-1)).toEqual(['e']);
    expect(acknowledgements.outstanding).toBe(0);
  });

  it('acknowledges nothing after a failure, and tells of it', async () => {
    acknowledgements.add('a', Promise.reject(new Error('disk full')));
    acknowledgements.add('b', Promise.resolve());
    await tick();
    expect(sent).toEqual([]);
    expect(failures).toEqual([new Error('disk full')]);
  });
});
