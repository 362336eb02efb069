import { randomBytes, randomInt } from 'node:crypto';
import type { IdentityRow } from '../../storage/identity-row.js';
import { NEVER, utcText } from '../clock.js';
import { HubError } from '../errors/hub-errors.js';
import { etagOfVersion, matchesEtag } from '../etag.js';
import type { Hub } from '../hub.js';
import type { JsonObject } from '../json.js';
import { mergeProperties } from '../twins/merge-properties.js';
import type { TwinChange } from '../twins/twin-change.js';
import { checkSectionSize } from '../twins/twin-limits.js';
import { appendLifecycleEvent } from '../twins/twin-events.js';
import { freshMetadata, mergeMetadata } from '../twins/twin-metadata.js';
import { identityColumns, type Identity } from '../identity.js';
import { findIdentity, requireDevice, requireIdentity } from './find-identity.js';
import type { IdentityInput } from './identity-input.js';

/*
 * Changes of the registry inside an open transaction; the operations around them commit and tell live connections.
 */

const IDENTITY_COLUMNS = [
  'device_id',
  'module_id',
  'generation_id',
  'etag',
  'status',
  'status_reason',
  'status_updated_time',
  'authentication_type',
  'primary_key',
  'secondary_key',
  'primary_thumbprint',
  'secondary_thumbprint',
  'managed_by',
  'retired_keys',
] as const satisfies (keyof IdentityRow)[];
const INSERTED_COLUMNS = [...IDENTITY_COLUMNS, 'twin_etag', 'tags', 'desired', 'desired_metadata', 'reported_metadata'];

/** Modules of one device. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-module-twins */
const MAX_MODULES = 50;

/**
 * Adds a device or module with a fresh twin, which may begin with tags and desired properties.
 *
 * @throws {@link HubError} `DeviceAlreadyExists`, `ModuleAlreadyExistsOnDevice`, `DeviceNotFound`, `TooManyModulesOnDevice`.
 */
export function insertIdentity(hub: Hub, input: IdentityInput, twin: TwinChange = {}): IdentityRow {
  checkPlace(hub, input);
  const [device_id, module_id] = identityColumns(input);
  const created = { lastUpdated: utcText(hub.clock.nowMs()) };
  const stamp = { ...created, lastUpdatedVersion: 1 };
  const tags = mergeProperties({}, twin.tags ?? {});
  const desired = mergeProperties({}, twin.desired ?? {});
  checkSectionSize('tags', tags);
  checkSectionSize('desired', desired);
  hub.store
    .sql(
      `INSERT INTO identities (${INSERTED_COLUMNS.join(', ')})
       VALUES (${INSERTED_COLUMNS.map((column) => `:${column}`).join(', ')})`,
    )
    .run({
      device_id,
      module_id,
      generation_id: `${hub.clock.nowMs()}${randomInt(10_000, 99_999)}`,
      etag: newEtag(),
      status: input.status ?? 'enabled',
      status_reason: input.statusReason ?? null,
      status_updated_time: NEVER,
      ...authenticationColumns(input),
      managed_by: input.managedBy ?? null,
      retired_keys: '[]',
      twin_etag: etagOfVersion(1),
      tags: JSON.stringify(tags),
      desired: JSON.stringify(desired),
      desired_metadata: JSON.stringify(isEmpty(desired) ? freshMetadata(created) : mergeMetadata({}, desired, stamp)),
      reported_metadata: JSON.stringify(freshMetadata(created)),
    });
  const row = requireIdentity(hub, input);
  appendLifecycleEvent(hub, 'create', row);
  return row;
}

/** Whether there is room for a new identity of that name. */
function checkPlace(hub: Hub, { deviceId, moduleId }: Identity): void {
  const exists = findIdentity(hub, { deviceId, moduleId }) !== undefined;
  if (moduleId === undefined) {
    if (exists) throw new HubError('DeviceAlreadyExists', `A device with ID '${deviceId}' is already registered.`);
    return;
  }
  requireDevice(hub, deviceId);
  if (exists) {
    throw new HubError(
      'ModuleAlreadyExistsOnDevice',
      `A module with ID '${moduleId}' is already registered on device '${deviceId}'.`,
    );
  }
  const { modules } = hub.store
    .sql(`SELECT count(*) AS modules FROM identities WHERE device_id = ? AND module_id <> ''`)
    .get(deviceId) as { modules: number };
  if (modules >= MAX_MODULES) {
    throw new HubError('TooManyModulesOnDevice', `A device can have ${MAX_MODULES} modules at most.`);
  }
}

/**
 * Replaces an identity, keeping keys that the input leaves out, and the way it proves itself if the input says nothing of it.
 * A key that the input has as an empty text is made anew, as IoT Hub does: so does an update through the Node SDK that gives
 * no `authentication`.
 *
 * @throws {@link HubError} `DeviceNotFound`, `ModuleNotFound`, `PreconditionFailed`.
 */
export function replaceIdentity(hub: Hub, input: IdentityInput, ifMatch: string | undefined): IdentityRow {
  const before = requireIdentity(hub, input);
  checkEtag(before, ifMatch);
  const status = input.status ?? 'enabled';
  const authentication = authenticationColumns(input, before);
  const row: IdentityRow = {
    ...before,
    etag: newEtag(),
    status,
    status_reason: input.statusReason ?? null,
    status_updated_time: status === before.status ? before.status_updated_time : utcText(hub.clock.nowMs()),
    ...authentication,
    retired_keys: retiredKeys(before, [authentication.primary_key, authentication.secondary_key]),
    managed_by: input.managedBy ?? before.managed_by,
  };
  const { device_id, module_id, ...changed } = Object.fromEntries(
    IDENTITY_COLUMNS.map((column) => [column, row[column]]),
  ) as Pick<IdentityRow, (typeof IDENTITY_COLUMNS)[number]>;
  hub.store
    .sql(
      `UPDATE identities SET ${Object.keys(changed)
        .map((column) => `${column} = :${column}`)
        .join(', ')} WHERE device_id = :device_id AND module_id = :module_id`,
    )
    .run({ device_id, module_id, ...changed });
  return row;
}

/**
 * Removes a module, or a device with all its modules: their twins, subscriptions and open uploads too.
 *
 * @returns what they were, modules first.
 * @throws {@link HubError} `DeviceNotFound`, `ModuleNotFound`, `PreconditionFailed`.
 */
export function removeIdentity(hub: Hub, identity: Identity, ifMatch: string | undefined): IdentityRow[] {
  checkEtag(requireIdentity(hub, identity), ifMatch);
  const { deviceId, moduleId } = identity;
  const which = moduleId === undefined ? 'device_id = ?' : 'device_id = ? AND module_id = ?';
  const values = moduleId === undefined ? [deviceId] : [deviceId, moduleId];
  const rows = hub.store
    .sql(`SELECT * FROM identities WHERE ${which} ORDER BY module_id DESC`)
    .all(...values) as unknown as IdentityRow[];
  hub.store.sql(`DELETE FROM identities WHERE ${which}`).run(...values);
  for (const row of rows) appendLifecycleEvent(hub, 'delete', row);
  return rows;
}

function checkEtag({ device_id, module_id, etag }: IdentityRow, ifMatch: string | undefined): void {
  if (ifMatch === undefined || matchesEtag(ifMatch, etag)) return;
  const name = module_id === '' ? `device ${device_id}` : `module ${module_id} on device ${device_id}`;
  throw new HubError('PreconditionFailed', `Precondition failed: the etag of ${name} is another one.`);
}

function authenticationColumns({ authentication }: IdentityInput, before?: IdentityRow) {
  if (authentication == null && before !== undefined) {
    const { authentication_type, primary_key, secondary_key, primary_thumbprint, secondary_thumbprint } = before;
    return { authentication_type, primary_key, secondary_key, primary_thumbprint, secondary_thumbprint };
  }
  const { primaryKey, secondaryKey } = authentication?.symmetricKey ?? {};
  const { primaryThumbprint, secondaryThumbprint } = authentication?.x509Thumbprint ?? {};
  const type = authentication?.type ?? (filled(primaryThumbprint) ? 'selfSigned' : 'sas');
  const withKeys = type === 'sas';
  return {
    authentication_type: type,
    primary_key: withKeys ? keyOf(primaryKey, before?.primary_key) : null,
    secondary_key: withKeys ? keyOf(secondaryKey, before?.secondary_key) : null,
    primary_thumbprint: filled(primaryThumbprint) ?? null,
    secondary_thumbprint: filled(secondaryThumbprint) ?? null,
  };
}

/** Keys known as replaced: those of the last change, and of the one before it. */
const MAX_RETIRED_KEYS = 4;

function retiredKeys(before: IdentityRow, current: readonly (string | null)[]): string {
  const once = [before.primary_key, before.secondary_key, ...(JSON.parse(before.retired_keys) as string[])];
  const retired = once.filter((key) => key !== null && !current.includes(key));
  return JSON.stringify([...new Set(retired)].slice(0, MAX_RETIRED_KEYS));
}

/** Clients that want a key generated send an empty text. */
const keyOf = (wanted: string | null | undefined, before: string | null | undefined): string =>
  filled(wanted) ?? (wanted === '' ? undefined : before) ?? newKey();

const filled = (text: string | null | undefined): string | undefined =>
  text === null || text === '' ? undefined : text;

const isEmpty = (properties: JsonObject): boolean => Object.keys(properties).length === 0;

const newKey = (): string => randomBytes(32).toString('base64');
const newEtag = (): string => Buffer.from(String(randomInt(1_000_000_000))).toString('base64');
