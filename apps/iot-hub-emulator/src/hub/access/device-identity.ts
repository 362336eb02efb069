/** A device that has proven who it is. Made by {@link authenticateDevice}, handed to the operations a device may call. */
export interface DeviceIdentity {
  readonly deviceId: string;
  /** Changes when a device is deleted and made again under the same name. */
  readonly generationId: string;
  /** `device`: signed with the device's own key; `hub`: with a shared access policy that has DeviceConnect. */
  readonly authScope: 'device' | 'hub';
  /** When the token lapses, in milliseconds since 1970. A live connection must end then. */
  readonly expiresAtMs: number;
}
