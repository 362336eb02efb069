import { appendFileSync, copyFileSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DurableStore } from './durable-store.js';

const NAMES = { database: 'd', container: 'c', partition: '"p"' };

describe(DurableStore.name, () => {
  let directory: string;
  let stores: DurableStore[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'spyglass-store-'));
    stores = [];
  });

  afterEach(() => {
    for (const store of stores) store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const open = (of = directory): DurableStore => {
    const store = new DurableStore(of);
    stores.push(store);
    return store;
  };

  /** The files as a crash at this moment leaves them. */
  const crashed = (): string => {
    const copy = join(directory, 'copy');
    open(copy).close();
    for (const suffix of ['', '-wal'])
      copyFileSync(join(directory, `cosmos.sqlite${suffix}`), join(copy, `cosmos.sqlite${suffix}`));
    return copy;
  };

  const idsOf = (store: DurableStore) => store.all().map(({ id }) => id);

  it('has on disk what it calls committed, in the order of the last writes', async () => {
    const store = open();
    for (const id of ['a', 'b', 'c']) store.put({ ...NAMES, id }, { n: 1 });
    store.put({ ...NAMES, id: 'a' }, { n: 2 });
    store.delete({ ...NAMES, id: 'b' });
    await store.committed();
    const found = open(crashed()).all();
    expect(found.map(({ id, body }) => [id, JSON.parse(body) as unknown])).toEqual([
      ['c', { n: 1 }],
      ['a', { n: 2 }],
    ]);
  });

  it('has nothing on disk before', () => {
    open().put({ ...NAMES, id: 'a' }, {});
    expect(idsOf(open(crashed()))).toEqual([]);
  });

  it('drops a torn end of its log, and nothing before it', async () => {
    const store = open();
    for (const id of ['a', 'b', 'c']) {
      store.put({ ...NAMES, id }, {});
      await store.committed();
    }
    const log = join(crashed(), 'cosmos.sqlite-wal');
    truncateSync(log, statSync(log).size - 10);
    expect(idsOf(open(join(directory, 'copy')))).toEqual(['a', 'b']);
  });

  it('takes garbage after its log for what it is', async () => {
    const store = open();
    store.put({ ...NAMES, id: 'a' }, {});
    await store.committed();
    const copy = crashed();
    appendFileSync(join(copy, 'cosmos.sqlite-wal'), Buffer.alloc(5000, 7));
    expect(idsOf(open(copy))).toEqual(['a']);
  });

  it('removes what is in a container or database with it', async () => {
    const store = open();
    for (const container of ['', 'c', 'x']) store.put({ database: 'd', container, partition: '', id: '' }, {});
    store.put({ ...NAMES, id: 'a' }, {});
    store.delete({ database: 'd', container: 'c', partition: '', id: '' });
    await store.committed();
    expect(store.all().map(({ container }) => container)).toEqual(['', 'x']);
    store.delete({ database: 'd', container: '', partition: '', id: '' });
    expect(store.all()).toEqual([]);
  });

  it('reports a file that is none of its own', () => {
    writeFileSync(join(directory, 'cosmos.sqlite'), 'something else, and quite long enough'.repeat(200));
    expect(() => new DurableStore(directory)).toThrow(
      expect.objectContaining({
        code: 'LOCAL_COSMOS.DATA_UNREADABLE',
        message: expect.stringContaining('cannot be read'),
      }),
    );
  });

  it('is used by one at a time', () => {
    open();
    expect(() => new DurableStore(directory)).toThrow(
      expect.objectContaining({ code: 'LOCAL_COSMOS.DATA_UNREADABLE', message: expect.stringContaining('is in use') }),
    );
  });
});
