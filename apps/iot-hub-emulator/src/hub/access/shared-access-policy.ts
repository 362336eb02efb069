/** What a shared access policy may do. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-dev-guide-sas */
export type AccessRight = 'RegistryRead' | 'RegistryWrite' | 'ServiceConnect' | 'DeviceConnect';

/** A named pair of keys with rights over the whole hub. */
export interface SharedAccessPolicy {
  readonly name: string;
  /** Base64, as in connection strings. */
  readonly primaryKey: string;
  readonly secondaryKey: string;
  readonly rights: readonly AccessRight[];
}
