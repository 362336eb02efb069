import { HubError } from '../errors/hub-errors.js';
import { matchesEtag } from '../etag.js';
import type { Hub } from '../hub.js';
import { requireDevice } from '../registry/find-identity.js';
import { readConfiguration, readContent, type ConfigurationInput } from './configuration-input.js';
import { configurationEtag, toConfiguration, type Configuration, type ConfigurationRow } from './configuration-view.js';

/** Configurations of a hub. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling */
const MAX_CONFIGURATIONS = 100;

/**
 * Keeps a new configuration. It is not applied to devices.
 *
 * @param body parsed JSON, not yet checked.
 * @returns the configuration, once it is on disk.
 * @throws {@link HubError} `ConfigurationAlreadyExists`, `ConfigurationCountLimitExceeded`, and for what is not allowed
 *   `ArgumentInvalid` or one of `InvalidConfiguration…`.
 */
export async function createConfiguration(hub: Hub, id: string, body: unknown): Promise<Configuration> {
  const input = readConfiguration(id, body);
  const row = await hub.store.write(() => {
    if (findConfiguration(hub, id) !== undefined) {
      throw new HubError('ConfigurationAlreadyExists', `There is a configuration ${id}; to change it, give its etag.`);
    }
    if (countConfigurations(hub) >= MAX_CONFIGURATIONS) {
      throw new HubError('ConfigurationCountLimitExceeded', `A hub has at most ${MAX_CONFIGURATIONS} configurations.`);
    }
    const now = hub.clock.nowMs();
    hub.store
      .sql(
        `INSERT INTO configurations (schema_version, labels, target_condition, priority, metric_queries, last_updated_ms,
           content, created_ms, configuration_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(...changeable(input, now), JSON.stringify(input.content), now, id);
    return requireConfiguration(hub, id);
  });
  return toConfiguration(hub, row);
}

/**
 * Changes all of a configuration but its content: another content is accepted and the old one kept, as the hub does.
 *
 * @param ifMatch the etag the caller has seen; `*` for any. The Python SDK gives it without quotes.
 * @throws {@link HubError} `ConfigurationNotFound`, `PreconditionFailed`, and as for {@link createConfiguration}.
 */
export async function updateConfiguration(
  hub: Hub,
  id: string,
  body: unknown,
  ifMatch: string,
): Promise<Configuration> {
  const input = readConfiguration(id, body);
  const row = await hub.store.write(() => {
    const before = requireConfiguration(hub, id);
    checkEtag(before, ifMatch);
    hub.store
      .sql(
        `UPDATE configurations SET version = version + 1, schema_version = ?, labels = ?, target_condition = ?,
           priority = ?, metric_queries = ?, last_updated_ms = ? WHERE configuration_id = ?`,
      )
      .run(...changeable(input, hub.clock.nowMs()), id);
    return requireConfiguration(hub, id);
  });
  return toConfiguration(hub, row);
}

const changeable = (input: ConfigurationInput, now: number) =>
  [
    input.schemaVersion,
    JSON.stringify(input.labels),
    input.targetCondition,
    input.priority,
    JSON.stringify(input.metricQueries),
    now,
  ] as const;

/** Forgets a configuration. @throws {@link HubError} `ConfigurationNotFound`, `PreconditionFailed`. */
export async function deleteConfiguration(hub: Hub, id: string, ifMatch?: string): Promise<void> {
  await hub.store.write(() => {
    const row = requireConfiguration(hub, id);
    if (ifMatch !== undefined) checkEtag(row, ifMatch);
    hub.store.sql('DELETE FROM configurations WHERE configuration_id = ?').run(id);
  });
}

/** One configuration. @throws {@link HubError} `ConfigurationNotFound`. */
export function getConfiguration(hub: Hub, id: string): Configuration {
  hub.activity.flush();
  return toConfiguration(hub, requireConfiguration(hub, id));
}

/**
 * Configurations by id, at most `top` of them. Each is counted in a turn of its own, so that others are served meanwhile.
 *
 * @param top from 1; what is beyond the hub's limit is taken as that.
 * @throws {@link HubError} `ArgumentInvalid`.
 */
export async function listConfigurations(hub: Hub, top = MAX_CONFIGURATIONS): Promise<Configuration[]> {
  if (!Number.isInteger(top) || top < 1) throw new HubError('ArgumentInvalid', 'top must be a whole number from 1.');
  hub.activity.flush();
  const rows = hub.store.sql('SELECT * FROM configurations ORDER BY configuration_id LIMIT ?').all(top);
  const configurations: Configuration[] = [];
  for (const row of rows as unknown as ConfigurationRow[]) {
    configurations.push(toConfiguration(hub, row));
    await new Promise(setImmediate);
  }
  return configurations;
}

/**
 * Would apply content to an IoT Edge device; there are none in this hub.
 *
 * @param body parsed JSON, not yet checked.
 * @throws {@link HubError} `InvalidConfigurationContent`, `DeviceNotFound`, and `ArgumentInvalid` for a device that is not
 *   an Edge device.
 */
export function applyConfigurationContent(hub: Hub, deviceId: string, body: unknown): never {
  requireDevice(hub, deviceId);
  readContent(body);
  throw new HubError('ArgumentInvalid', `Device ${deviceId} is not an Azure IoT Edge device.`);
}

function findConfiguration({ store }: Hub, id: string): ConfigurationRow | undefined {
  const row = store.sql('SELECT * FROM configurations WHERE configuration_id = ?').get(id);
  return row as unknown as ConfigurationRow | undefined;
}

function requireConfiguration(hub: Hub, id: string): ConfigurationRow {
  const row = findConfiguration(hub, id);
  if (row === undefined) throw new HubError('ConfigurationNotFound', `There is no configuration ${id}.`);
  return row;
}

function checkEtag(row: ConfigurationRow, ifMatch: string): void {
  if (matchesEtag(ifMatch, configurationEtag(row))) return;
  throw new HubError('PreconditionFailed', 'The configuration has changed: its etag is another one than in If-Match.');
}

const countConfigurations = ({ store }: Hub): number =>
  (store.sql('SELECT count(*) AS count FROM configurations').get() as { count: number }).count;
