/** Whom the hub knows: a device, or a module of one. */
export interface Identity {
  readonly deviceId: string;
  /** Absent for the device itself. Never empty. */
  readonly moduleId?: string | undefined;
}

/** The members of an identity alone, as JSON has them. */
export type BareIdentity = { deviceId: string } | { deviceId: string; moduleId: string };

/** An identity and nothing else of what it may be part of. @param moduleId undefined for the device itself. */
export const identityOf = ({ deviceId, moduleId }: Identity): BareIdentity =>
  moduleId === undefined ? { deviceId } : { deviceId, moduleId };

/** An identity as one text, for maps and MQTT client ids: neither id can hold a slash. */
export const identityKey = ({ deviceId, moduleId }: Identity): string =>
  moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`;

/** An identity as the values of the columns `device_id` and `module_id`. */
export const identityColumns = ({ deviceId, moduleId }: Identity): [string, string] => [deviceId, moduleId ?? ''];

/** The identity that a row belongs to. */
export const identityOfRow = (row: { readonly device_id: string; readonly module_id: string }): BareIdentity =>
  identityOf({ deviceId: row.device_id, moduleId: row.module_id === '' ? undefined : row.module_id });
