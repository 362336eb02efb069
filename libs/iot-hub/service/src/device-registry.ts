import type { HubConnection } from './hub-connection.js';

/** A device as lists show it. */
export interface DeviceSummary {
  readonly deviceId: string;
  readonly status: 'enabled' | 'disabled';
  readonly connected: boolean;
  /** ISO 8601, UTC; undefined when the device has never been active. */
  readonly lastActivityTime: string | undefined;
}

export interface DevicePage {
  readonly items: readonly DeviceSummary[];
  /** Names the next page; undefined on the last. */
  readonly continuationToken: string | undefined;
}

export interface RegisteredDevice extends DeviceSummary {
  /** What the device signs in with; the hub shows it again only to those who may read its registry. */
  readonly connectionString: string;
}

/** The hub's value of a time that is unset. */
const NEVER = '0001-01-01T00:00:00Z';

const LIST_QUERY = 'SELECT deviceId, status, connectionState, lastActivityTime FROM devices';

/** The devices that a hub knows. */
export class DeviceRegistry {
  constructor(private readonly hub: HubConnection) {}

  /**
   * One page of the devices, `limit` (1 to 1000) of them at most. A change may show only after some seconds, since the
   * hub answers queries from an index; in return the right to connect to the service is enough.
   */
  list({ limit, continuationToken }: { limit: number; continuationToken?: string | undefined }): Promise<DevicePage> {
    return this.hub.run(async ({ registry }) => {
      const query = registry.createQuery(LIST_QUERY, limit);
      const { result } = (await query.next(continuationToken ?? '')) as { result: unknown };
      const next = query.continuationToken as string | undefined;
      return { items: (result as RawDevice[]).map(toSummary), continuationToken: next };
    });
  }

  /** @throws {@link AppError} `DEVICE.NOT_FOUND` */
  get(deviceId: string): Promise<DeviceSummary> {
    return this.hub.run(
      async ({ registry }) => {
        // The twin tells the same as the identity, but not the keys, and asks for fewer rights.
        const { responseBody } = await registry.getTwin(deviceId);
        return toSummary(responseBody);
      },
      { deviceId },
    );
  }

  /**
   * Registers a device that signs in with a key; the hub makes the key.
   *
   * @throws {@link AppError} `DEVICE.ALREADY_EXISTS`
   */
  register(
    deviceId: string,
    { status = 'enabled' }: { status?: DeviceSummary['status'] } = {},
  ): Promise<RegisteredDevice> {
    return this.hub.run(
      async ({ registry }) => {
        const { responseBody: device } = await registry.create({ deviceId, status });
        const key = device.authentication?.symmetricKey?.primaryKey ?? '';
        return {
          ...toSummary(device),
          connectionString: `HostName=${this.hub.hostName};DeviceId=${deviceId};SharedAccessKey=${key}`,
        };
      },
      { deviceId },
    );
  }

  /** @throws {@link AppError} `DEVICE.NOT_FOUND` */
  async remove(deviceId: string): Promise<void> {
    await this.hub.run(({ registry }) => registry.delete(deviceId), { deviceId });
  }

  /** How many devices are connected at this moment; asks for the right to read the registry. */
  countConnected(): Promise<number> {
    return this.hub.run(async ({ registry }) => {
      const query = registry.createQuery("SELECT COUNT() AS total FROM devices WHERE connectionState = 'Connected'");
      const { result } = (await query.next('')) as { result: unknown };
      const [row] = result as { total?: number }[];
      return row?.total ?? 0;
    });
  }
}

/** The fields of an identity or a twin that a summary shows, as the hub writes them. */
interface RawDevice {
  readonly deviceId: string;
  readonly status?: string;
  readonly connectionState?: string;
  readonly lastActivityTime?: string;
}

function toSummary({ deviceId, status, connectionState, lastActivityTime }: RawDevice): DeviceSummary {
  return {
    deviceId,
    status: status === 'disabled' ? 'disabled' : 'enabled',
    connected: connectionState?.toLowerCase() === 'connected',
    lastActivityTime:
      !lastActivityTime || lastActivityTime.startsWith(NEVER.slice(0, 10)) ? undefined : lastActivityTime,
  };
}
