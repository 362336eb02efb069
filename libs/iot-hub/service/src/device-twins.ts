import type { HubConnection } from './hub-connection.js';

/** JSON as twins hold it. */
type TwinProperties = Readonly<Record<string, unknown>>;

/** A device twin as the service sees it. */
export interface DeviceTwin {
  readonly deviceId: string;
  /** Changes with tags and desired properties; not quoted. */
  readonly etag: string;
  readonly connected: boolean;
  readonly tags: TwinProperties;
  readonly desired: TwinProperties;
  readonly reported: TwinProperties;
}

/** What to merge into a twin: null removes a property, objects merge, everything else replaces. */
export interface TwinPatch {
  readonly tags?: TwinProperties | undefined;
  readonly desired?: TwinProperties | undefined;
}

/** The device twins of a hub, through its service side: the device's own connection stays its own. */
export class DeviceTwins {
  constructor(private readonly hub: HubConnection) {}

  /** @throws {@link AppError} `DEVICE.NOT_FOUND` */
  get(deviceId: string): Promise<DeviceTwin> {
    return this.hub.run(async ({ registry }) => toTwin((await registry.getTwin(deviceId)).responseBody), { deviceId });
  }

  /**
   * Merges `patch` into the twin and gives back what it then is. With `etag`, only if the twin still has that one.
   *
   * @throws {@link AppError} `DEVICE.NOT_FOUND`, `DEVICE_TWIN.CHANGED`
   */
  update(deviceId: string, patch: TwinPatch, { etag = '*' }: { etag?: string | undefined } = {}): Promise<DeviceTwin> {
    const body = {
      ...(patch.tags && { tags: patch.tags }),
      ...(patch.desired && { properties: { desired: patch.desired } }),
    };
    return this.hub.run(
      async ({ registry }) => toTwin((await registry.updateTwin(deviceId, body, etag)).responseBody),
      { deviceId },
    );
  }
}

/** The SDK's twin, whose type leaves out what the hub sends beside it. */
interface RawTwin {
  readonly deviceId: string;
  readonly etag: string;
  readonly tags?: Record<string, unknown>;
  readonly properties?: { readonly desired?: Record<string, unknown>; readonly reported?: Record<string, unknown> };
}

function toTwin(twin: RawTwin): DeviceTwin {
  const { connectionState } = twin as { connectionState?: string };
  return {
    deviceId: twin.deviceId,
    etag: twin.etag,
    connected: connectionState?.toLowerCase() === 'connected',
    tags: twin.tags ?? {},
    desired: withoutMetadata(twin.properties?.desired),
    reported: withoutMetadata(twin.properties?.reported),
  };
}

/** Leaves out when each property was written, which takes several times the room of the properties. */
function withoutMetadata(properties: Record<string, unknown> = {}): TwinProperties {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => name !== '$metadata'));
}
