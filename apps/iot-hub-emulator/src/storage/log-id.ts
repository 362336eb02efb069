import { randomUUID } from 'node:crypto';
import type { Store } from './store.js';

/** What tells this database's log from every other one, also from one that was in its place before. */
export async function logId(store: Store): Promise<string> {
  const row = store.sql(`SELECT value FROM settings WHERE name = 'logId'`).get() as { value: string } | undefined;
  if (row !== undefined) return row.value;
  const id = randomUUID();
  await store.write(() => {
    store.sql(`INSERT INTO settings (name, value) VALUES ('logId', ?)`).run(id);
  });
  return id;
}
