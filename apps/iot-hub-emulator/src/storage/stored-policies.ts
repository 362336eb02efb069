import { generatedPolicies } from '../hub/access/policies.js';
import type { SharedAccessPolicy } from '../hub/access/shared-access-policy.js';
import type { Store } from './store.js';

/** The policies with keys of this database's own: generated at the first call, the same ones after it. */
export async function storedPolicies(store: Store): Promise<SharedAccessPolicy[]> {
  const row = store.sql(`SELECT value FROM settings WHERE name = 'policies'`).get() as { value: string } | undefined;
  if (row !== undefined) return JSON.parse(row.value) as SharedAccessPolicy[];
  const policies = generatedPolicies();
  await store.write(() => {
    store.sql(`INSERT INTO settings (name, value) VALUES ('policies', ?)`).run(JSON.stringify(policies));
  });
  return policies;
}
