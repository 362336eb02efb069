import { fdatasync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Store } from './store.js';

describe(Store.name, () => {
  let directory: string;
  let file: string;
  let store: Store;
  /** Another process's view of the file: sees only what is committed. */
  let reader: DatabaseSync;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'store-spec-'));
    file = path.join(directory, 'hub.db');
    store = new Store(file);
    reader = new DatabaseSync(file, { readOnly: true });
  });
  afterEach(async () => {
    reader.close();
    store.close();
    await rm(directory, { recursive: true, force: true });
  });

  const set = (name: string, value = 'x'): void => {
    store.sql('INSERT INTO settings (name, value) VALUES (?, ?)').run(name, value);
  };
  const committed = () =>
    reader
      .prepare('SELECT name FROM settings ORDER BY name')
      .all()
      .map(({ name }) => name);

  it('lets SQLite flush what the consistency of the database hangs on', () => {
    expect(store.sql('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' });
    expect(store.sql('PRAGMA synchronous').get()).toEqual({ synchronous: 1 });
  });

  it('acknowledges a write only once others can read it', async () => {
    const written = store.writeOne(() => {
      set('a');
    });
    expect(committed()).toEqual([]);
    await written;
    expect(committed()).toEqual(['a']);
  });

  it('commits all writes of one turn together', async () => {
    const seen: unknown[] = [];
    const writes = Array.from({ length: 100 }, (_, index) =>
      store
        .write(() => {
          set(`n${String(index).padStart(2, '0')}`);
        })
        .then(() => seen.push(committed().length)),
    );
    await Promise.all(writes);
    // Already the first acknowledgement found all of them committed.
    expect(seen).toEqual(Array.from({ length: 100 }, () => 100));
  });

  it('undoes all of a step that throws and nothing of its neighbours', async () => {
    const before = store.write(() => {
      set('before');
    });
    const failing = store.write(() => {
      set('half');
      throw new Error('no');
    });
    const after = store.write(() => {
      set('after');
    });
    await expect(failing).rejects.toThrow('no');
    await Promise.all([before, after]);
    expect(committed()).toEqual(['after', 'before']);
  });

  it('refuses every write of a commit that fails, and goes on after it', async () => {
    const orphan = store.writeOne(() => {
      store.database.exec('PRAGMA defer_foreign_keys = ON');
      store.sql(`INSERT INTO stored_subscriptions (device_id, filter, qos) VALUES ('nobody', 'f', 0)`).run();
    });
    const neighbour = store.writeOne(() => {
      set('lost');
    });
    await expect(orphan).rejects.toThrow('FOREIGN KEY');
    await expect(neighbour).rejects.toThrow('FOREIGN KEY');
    await store.writeOne(() => {
      set('next');
    });
    expect(committed()).toEqual(['next']);
  });

  it('refuses the rest of a turn whose transaction the database has given up, and keeps nothing of it', async () => {
    const before = store.write(() => {
      set('before');
    });
    const setOrRollback = () =>
      store.sql(`INSERT OR ROLLBACK INTO settings (name, value) VALUES ('before', 'x')`).run();
    const failing = [
      store.write(setOrRollback),
      store.write(() => {
        set('after write');
      }),
    ];
    const refused = expect(Promise.allSettled([before, ...failing])).resolves.toEqual(
      Array.from({ length: 3 }, () => ({
        status: 'rejected',
        reason: expect.objectContaining({ message: expect.stringContaining('UNIQUE') as string }) as Error,
      })),
    );
    expect(() =>
      store.writeOne(() => {
        set('after writeOne');
      }),
    ).toThrow('UNIQUE');
    await refused;
    expect(committed()).toEqual([]);
    await store.write(() => {
      set('next');
    });
    expect(committed()).toEqual(['next']);
  });

  describe('what nobody waits for', () => {
    const lost: unknown[] = [];
    beforeEach(() => {
      lost.length = 0;
      store.onLost = (cause) => lost.push(cause);
    });

    it('throws at nobody when it fails, and is told of', async () => {
      store.writeLater(() => {
        throw new Error('disk full');
      });
      await store.write(() => {
        set('next');
      });
      expect(lost).toEqual([expect.objectContaining({ message: 'disk full' })]);
      expect(committed()).toEqual(['next']);
    });

    it('is told of when its commit fails', async () => {
      store.writeLater(() => {
        store.database.exec('PRAGMA defer_foreign_keys = ON');
        store.sql(`INSERT INTO stored_subscriptions (device_id, filter, qos) VALUES ('nobody', 'f', 0)`).run();
      });
      await new Promise(setImmediate);
      expect(lost).toEqual([expect.objectContaining({ message: expect.stringContaining('FOREIGN KEY') as string })]);
    });
  });

  it('commits what is pending when it closes', async () => {
    const written = store.writeOne(() => {
      set('last');
    });
    store.close();
    await written;
    expect(committed()).toEqual(['last']);
    await expect(store.write(() => undefined)).rejects.toThrow('closed');
  });

  describe('whose flushes are held', () => {
    /** Flushes under way, oldest first: calling one ends it. */
    let flushes: ((cause?: Error) => void)[];
    let held: Store;
    const done: string[] = [];

    beforeEach(() => {
      flushes = [];
      done.length = 0;
      held = new Store(path.join(directory, 'held.db'), (descriptor, end) => {
        flushes.push((cause) => {
          if (cause !== undefined) end(cause);
          else fdatasync(descriptor, end);
        });
      });
    });
    afterEach(() => {
      held.close();
    });

    const setHeld = (name: string) =>
      held
        .write(() => {
          held.sql(`INSERT INTO settings (name, value) VALUES (?, 'x')`).run(name);
          held.afterTransaction((durable) => done.push(`${name} ${durable ? 'on disk' : 'undone'}`));
        })
        .then(() => done.push(`${name} acknowledged`));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const rows = () => held.sql('SELECT count(*) AS count FROM settings').get();

    it('goes on taking writes, which share one commit and one flush after it', async () => {
      const a = setHeld('a');
      await turn();
      const b = setHeld('b');
      await turn();
      const c = setHeld('c');
      await turn();
      expect(rows()).toEqual({ count: 3 });
      expect(done).toEqual([]);
      expect(flushes).toHaveLength(1);

      flushes.shift()?.();
      await a;
      expect(done).toEqual(['a on disk', 'a acknowledged']);
      expect(flushes).toHaveLength(1);

      flushes.shift()?.();
      await Promise.all([b, c]);
      expect(done.slice(2)).toEqual(['b on disk', 'c on disk', 'b acknowledged', 'c acknowledged']);
      expect(flushes).toHaveLength(0);
    });

    it('refuses everything from a failed flush on, until it is opened anew', async () => {
      const refused = [setHeld('a')];
      await turn();
      refused.push(setHeld('b'));
      await turn();
      // Of a transaction that is open still.
      refused.push(setHeld('c'));
      flushes.shift()?.(new Error('EIO'));
      await Promise.all(refused.map((write) => expect(write).rejects.toThrow('The disk has failed')));
      await expect(setHeld('d')).rejects.toThrow('The disk has failed');
      expect(done.sort()).toEqual(['a undone', 'b undone', 'c undone']);
      expect(flushes).toHaveLength(0);

      held.close();
      held = new Store(path.join(directory, 'held.db'));
      await setHeld('e');
      expect(done.at(-1)).toBe('e acknowledged');
    });

    it('flushes for all that wait when it closes', async () => {
      const written = [setHeld('a')];
      await turn();
      written.push(setHeld('b'));
      held.close();
      await Promise.all(written);
      expect(done).toEqual(expect.arrayContaining(['a acknowledged', 'b acknowledged']));
      // The one that was under way ends after that.
      flushes.shift()?.(new Error('late'));
    });
  });

  it('opens a database that is a link to a file elsewhere', async () => {
    const elsewhere = path.join(directory, 'elsewhere', 'hub.db');
    await mkdir(path.dirname(elsewhere));
    new Store(elsewhere).close();
    const link = path.join(directory, 'link.db');
    await symlink(elsewhere, link);
    const linked = new Store(link);
    await linked.write(() => undefined);
    linked.close();
  });

  it('finds everything again, and refuses a database of another format', () => {
    store.close();
    const again = new Store(file);
    again.database.exec('PRAGMA user_version = 99');
    again.close();
    expect(() => new Store(file)).toThrow(/format 99/);
  });
});
