import { randomBytes, randomInt } from 'node:crypto';
import type { DeviceRow } from '../../storage/device-row.js';
import { NEVER, utcText } from '../clock.js';
import { HubError } from '../errors/hub-errors.js';
import { etagOfVersion, matchesEtag } from '../etag.js';
import type { Hub } from '../hub.js';
import { mergeProperties } from '../twins/merge-properties.js';
import type { TwinChange } from '../twins/twin-change.js';
import { checkSectionSize } from '../twins/twin-limits.js';
import { appendLifecycleEvent } from '../twins/twin-events.js';
import { freshMetadata, mergeMetadata } from '../twins/twin-metadata.js';
import type { DeviceInput } from './device-input.js';
import { findDevice, requireDevice } from './find-device.js';

/*
 * Changes of the registry inside an open transaction; the operations around them commit and tell live connections.
 */

const IDENTITY_COLUMNS = [
  'device_id',
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
] as const satisfies (keyof DeviceRow)[];
const INSERTED_COLUMNS = [...IDENTITY_COLUMNS, 'twin_etag', 'tags', 'desired', 'desired_metadata', 'reported_metadata'];

/** Adds a device with a fresh twin, which may begin with tags and desired properties. @throws {@link HubError} `DeviceAlreadyExists`. */
export function insertDevice(hub: Hub, input: DeviceInput, twin: TwinChange = {}): DeviceRow {
  if (findDevice(hub, input.deviceId) !== undefined) {
    throw new HubError('DeviceAlreadyExists', `A device with ID '${input.deviceId}' is already registered.`);
  }
  const created = { lastUpdated: utcText(hub.clock.nowMs()) };
  const stamp = { ...created, lastUpdatedVersion: 1 };
  const tags = mergeProperties({}, twin.tags ?? {});
  const desired = mergeProperties({}, twin.desired ?? {});
  checkSectionSize('tags', tags);
  checkSectionSize('desired', desired);
  hub.store
    .sql(
      `INSERT INTO devices (${INSERTED_COLUMNS.join(', ')})
       VALUES (${INSERTED_COLUMNS.map((column) => `:${column}`).join(', ')})`,
    )
    .run({
      device_id: input.deviceId,
      generation_id: `${hub.clock.nowMs()}${randomInt(10_000, 99_999)}`,
      etag: newEtag(),
      status: input.status ?? 'enabled',
      status_reason: input.statusReason ?? null,
      status_updated_time: NEVER,
      ...authenticationColumns(input),
      twin_etag: etagOfVersion(1),
      tags: JSON.stringify(tags),
      desired: JSON.stringify(desired),
      desired_metadata: JSON.stringify(mergeMetadata({}, desired, stamp)),
      reported_metadata: JSON.stringify(freshMetadata(created)),
    });
  const row = requireDevice(hub, input.deviceId);
  appendLifecycleEvent(hub, 'createDeviceIdentity', row);
  return row;
}

/** Replaces a device's identity, keeping keys that the input leaves empty. @throws {@link HubError} `DeviceNotFound`, `PreconditionFailed`. */
export function replaceDevice(hub: Hub, input: DeviceInput, ifMatch: string | undefined): DeviceRow {
  const before = requireDevice(hub, input.deviceId);
  checkEtag(before, ifMatch);
  const status = input.status ?? 'enabled';
  const row: DeviceRow = {
    ...before,
    etag: newEtag(),
    status,
    status_reason: input.statusReason ?? null,
    status_updated_time: status === before.status ? before.status_updated_time : utcText(hub.clock.nowMs()),
    ...authenticationColumns(input, before),
  };
  const { device_id, ...changed } = Object.fromEntries(IDENTITY_COLUMNS.map((column) => [column, row[column]])) as Pick<
    DeviceRow,
    (typeof IDENTITY_COLUMNS)[number]
  >;
  hub.store
    .sql(
      `UPDATE devices SET ${Object.keys(changed)
        .map((column) => `${column} = :${column}`)
        .join(', ')} WHERE device_id = :device_id`,
    )
    .run({ device_id, ...changed });
  return row;
}

/** Removes a device, its twin, subscriptions and open uploads. @throws {@link HubError} `DeviceNotFound`, `PreconditionFailed`. */
export function removeDevice(hub: Hub, deviceId: string, ifMatch: string | undefined): void {
  const row = requireDevice(hub, deviceId);
  checkEtag(row, ifMatch);
  hub.store.sql('DELETE FROM devices WHERE device_id = ?').run(deviceId);
  appendLifecycleEvent(hub, 'deleteDeviceIdentity', row);
}

function checkEtag(device: DeviceRow, ifMatch: string | undefined): void {
  if (ifMatch !== undefined && !matchesEtag(ifMatch, device.etag)) {
    throw new HubError(
      'PreconditionFailed',
      `Precondition failed: the etag of device ${device.device_id} is another one.`,
    );
  }
}

function authenticationColumns({ authentication }: DeviceInput, before?: DeviceRow) {
  const { primaryKey, secondaryKey } = authentication?.symmetricKey ?? {};
  const { primaryThumbprint, secondaryThumbprint } = authentication?.x509Thumbprint ?? {};
  const type = authentication?.type ?? (filled(primaryThumbprint) ? 'selfSigned' : 'sas');
  const withKeys = type === 'sas';
  return {
    authentication_type: type,
    primary_key: withKeys ? (filled(primaryKey) ?? before?.primary_key ?? newKey()) : null,
    secondary_key: withKeys ? (filled(secondaryKey) ?? before?.secondary_key ?? newKey()) : null,
    primary_thumbprint: filled(primaryThumbprint) ?? null,
    secondary_thumbprint: filled(secondaryThumbprint) ?? null,
  };
}

/** Clients that want a key generated send an empty text. */
const filled = (text: string | null | undefined): string | undefined =>
  text === null || text === '' ? undefined : text;

const newKey = (): string => randomBytes(32).toString('base64');
const newEtag = (): string => Buffer.from(String(randomInt(1_000_000_000))).toString('base64');
