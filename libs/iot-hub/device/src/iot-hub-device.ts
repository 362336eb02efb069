import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { AppError } from '#libs/runtime';
import { measureClockSkewMs } from './clock-skew.js';
import { type DesiredPropertiesChange, DesiredState } from './desired-state.js';
import { parseDeviceConnectionString } from './device-credentials.js';
import type { DeviceMessage, DeviceSession, MethodCall } from './device-session.js';
import { FileUploads, type UploadOutcome, type UploadTarget } from './file-uploads.js';
import {
  type ConnectionSeams,
  type ConnectionState,
  LastingConnection,
  type SessionUse,
} from './lasting-connection.js';
import { mqttSessions } from './mqtt-device-session.js';
import { combineTwinPatches, type TwinProperties } from './twin-patch.js';

export interface IotHubDeviceOptions {
  /** `HostName=…;DeviceId=…;SharedAccessKey=…`; a port may follow the host's name. */
  connectionString: string;
  /** A certificate authority (PEM) to trust instead of the process's own. */
  ca?: string;
}

/** What the hub asks of the device. */
export interface IotHubDeviceListener {
  onMethod(call: MethodCall): void;
  onDesiredProperties(change: DesiredPropertiesChange): void;
}

/**
 * A device's side of IoT Hub: one connection that is made again for ever, the twin, and file uploads.
 *
 * After each connect the desired properties are read anew and all reported properties are sent again, so what was
 * missed while offline is made up for.
 */
export class IotHubDevice {
  readonly deviceId: string;
  private readonly uploads: FileUploads;
  private readonly connection: LastingConnection;
  private readonly logger = new Logger(IotHubDevice.name);
  /** All that was ever reported, as one patch. */
  private reported: TwinProperties = {};

  /** @throws {@link AppError} `SETTINGS.INVALID` for a connection string that is none */
  constructor({ connectionString, ca }: IotHubDeviceOptions, seams: Partial<ConnectionSeams> = {}) {
    const credentials = parseDeviceConnectionString(connectionString);
    this.deviceId = credentials.deviceId;
    this.uploads = new FileUploads(credentials, ca);
    this.connection = new LastingConnection(this.deviceId, this.logger, {
      openSession: mqttSessions({ credentials, ca }),
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      measureClockSkewMs: () => measureClockSkewMs(credentials.hostName, ca),
      random: Math.random,
      now: () => performance.now(),
      ...seams,
    });
  }

  get state(): ConnectionState {
    return this.connection.state;
  }

  /** Calls `listener` at each change from now on; the function returned ends that. */
  onStateChange(listener: (state: ConnectionState) => void): () => void {
    return this.connection.onStateChange(listener);
  }

  /** Connects, and keeps connecting until {@link IotHubDevice.close}. */
  start(listener: IotHubDeviceListener): void {
    this.connection.start(() => this.useSession(listener));
  }

  /** Resolves once there is a connection; at once if there is one now. Never rejects, and never resolves after `close`. */
  connected(): Promise<void> {
    if (this.state.status === 'connected') return Promise.resolve();
    return new Promise((resolve) => {
      const stop = this.onStateChange(({ status }) => {
        if (status !== 'connected') return;
        stop();
        resolve();
      });
    });
  }

  /**
   * Changes the reported properties: null removes one. Offline the change is kept and sent after the next connect; a
   * process that starts anew knows nothing of what was reported before it.
   */
  async reportProperties(patch: TwinProperties): Promise<void> {
    this.reported = combineTwinPatches(this.reported, patch);
    const { session } = this.connection;
    if (session) await this.send(session, patch);
  }

  /**
   * Sends a message to the cloud at least once: resolves when the hub has confirmed that it holds it. Nothing is kept or
   * repeated here; a message whose sending failed may have arrived all the same.
   *
   * @throws {@link AppError} `DEVICE.OFFLINE` without a connection; what the transport reports, after 40 s at the latest
   */
  async sendMessage(message: DeviceMessage): Promise<void> {
    const { session } = this.connection;
    if (!session) throw new AppError('DEVICE.OFFLINE', 'The device is not connected to the hub.');
    await session.sendMessage(message);
  }

  /**
   * Asks the hub where to store a file.
   *
   * @throws {@link AppError} `UPLOAD.REFUSED` with the hub's status, `UPLOAD.UNREACHABLE`
   */
  getUploadTarget(blobName: string): Promise<UploadTarget> {
    return this.uploads.target(blobName);
  }

  /**
   * Tells the hub how an upload ended; tried three times.
   *
   * @throws {@link AppError} `UPLOAD.REFUSED` with the hub's status, `UPLOAD.UNREACHABLE`
   */
  notifyUpload(target: UploadTarget, outcome: UploadOutcome): Promise<void> {
    return this.uploads.notify(target, outcome);
  }

  /** Disconnects for good. */
  close(): Promise<void> {
    return this.connection.close();
  }

  private useSession(listener: IotHubDeviceListener): SessionUse {
    const desired = new DesiredState((change) => {
      listener.onDesiredProperties(change);
    });
    return {
      onMethod: (call) => {
        listener.onMethod(call);
      },
      onDesiredPatch: (patch) => {
        desired.patch(patch);
      },
      onReady: (session) => {
        desired.reset(session.desired);
        if (Object.keys(this.reported).length > 0) void this.send(session, this.reported);
      },
    };
  }

  private async send(session: DeviceSession, patch: TwinProperties): Promise<void> {
    try {
      await session.reportProperties(patch);
    } catch (error) {
      // When the connection is gone the next one sends it.
      if (this.connection.session === session)
        this.logger.warn(`The hub did not take reported properties: ${String(error)}`);
    }
  }
}
