import { AppError } from '#libs/runtime';
import type { HubConnection } from './hub-connection.js';

export interface DirectMethodCall {
  readonly methodName: string;
  /** Any JSON; null when absent. At most 128 KiB. */
  readonly payload?: unknown;
  /** How long the device may take to answer: 5 to 300 s, 30 unless given. */
  readonly responseTimeoutSeconds?: number | undefined;
  /** How long to wait for a device that is offline: 0 to 300 s, 0 unless given. */
  readonly connectTimeoutSeconds?: number | undefined;
}

/** What the device answered. */
export interface DirectMethodResult {
  /** The device's own status, by custom like HTTP's. */
  readonly status: number;
  readonly payload: unknown;
}

const DEFAULT_RESPONSE_TIMEOUT_SECONDS = 30;

/** How much longer than the device's own time the hub may take to say that the device has not answered. */
const HUB_MARGIN_MS = 15_000;

/** Calls the direct methods of devices. */
export class DirectMethods {
  constructor(private readonly hub: HubConnection) {}

  /**
   * Calls a method once and waits for the answer.
   *
   * @throws {@link AppError} `DEVICE.NOT_FOUND`, `DEVICE.NOT_ONLINE`, `DEVICE.NOT_LISTENING` (connected, but no method
   * handler), `DEVICE.TIMEOUT`, `DEVICE.BAD_REPLY`, `IOT_HUB.THROTTLED` and the other failures of the hub.
   */
  async invoke(deviceId: string, call: DirectMethodCall): Promise<DirectMethodResult> {
    const responseTimeoutInSeconds = call.responseTimeoutSeconds ?? DEFAULT_RESPONSE_TIMEOUT_SECONDS;
    const connectTimeoutInSeconds = call.connectTimeoutSeconds ?? 0;
    const parameters = {
      methodName: call.methodName,
      payload: call.payload ?? null,
      responseTimeoutInSeconds,
      connectTimeoutInSeconds,
    };
    const timeoutMs = (responseTimeoutInSeconds + connectTimeoutInSeconds) * 1000 + HUB_MARGIN_MS;
    try {
      const answer: { result: unknown } = await this.hub.run(
        ({ client }) => client.invokeDeviceMethod(deviceId, parameters),
        {
          deviceId,
          timeoutMs,
        },
      );
      const { status, payload } = answer.result as DirectMethodResult;
      return { status, payload };
    } catch (error) {
      throw await this.tellOfflineFromDeaf(deviceId, error);
    }
  }

  /** The hub says "not online" of a device without a method handler too; its connection state tells the two apart. */
  private async tellOfflineFromDeaf(deviceId: string, error: unknown): Promise<unknown> {
    if (!(error instanceof AppError) || error.code !== 'DEVICE.NOT_ONLINE') return error;
    const connected = await this.hub
      .run(async ({ registry }) => (await registry.getTwin(deviceId)).responseBody, { deviceId })
      .then((twin) => (twin as { connectionState?: string }).connectionState?.toLowerCase() === 'connected')
      .catch(() => false);
    if (!connected) return error;
    return new AppError('DEVICE.NOT_LISTENING', 'The device is connected but listens to no direct methods.', {
      cause: error,
      ...(error.details && { details: error.details }),
    });
  }
}
