import type { Store } from '../../storage/store.js';
import type { Clock } from '../clock.js';
import type { MessageLog } from '../messages/message-log.js';
import { BuiltInEndpoint } from './built-in-endpoint.js';
import { ConsumerGroups } from './consumer-groups.js';

/**
 * The built-in endpoint of a database, which begins its life now or has one already.
 *
 * @throws {@link EmulatorOptionError} for a consumer group that cannot be.
 */
export async function openBuiltInEndpoint(
  { store, log, clock }: { store: Store; log: MessageLog; clock: Clock },
  { consumerGroups }: { consumerGroups?: readonly string[] },
): Promise<BuiltInEndpoint> {
  return new BuiltInEndpoint({
    store,
    log,
    consumerGroups: new ConsumerGroups(consumerGroups),
    createdMs: await storedCreationTime(store, clock),
  });
}

async function storedCreationTime(store: Store, clock: Clock): Promise<number> {
  const row = store.sql(`SELECT value FROM settings WHERE name = 'eventsCreatedMs'`).get() as
    { value: string } | undefined;
  if (row !== undefined) return Number(row.value);
  const createdMs = clock.nowMs();
  await store.write(() => {
    store.sql(`INSERT INTO settings (name, value) VALUES ('eventsCreatedMs', ?)`).run(String(createdMs));
  });
  return createdMs;
}
