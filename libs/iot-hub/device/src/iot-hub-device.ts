import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { AppError } from '#libs/runtime';
import { measureClockSkewMs } from './clock-skew.js';
import { type ConnectionFailure, connectionFailureOf } from './connection-failure.js';
import { type DesiredPropertiesChange, DesiredState } from './desired-state.js';
import { type DeviceCredentials, parseDeviceConnectionString } from './device-credentials.js';
import {
  type DeviceMessage,
  type DeviceSession,
  LostWhileOpening,
  type MethodCall,
  type OpenDeviceSession,
} from './device-session.js';

import { FileUploads, type UploadOutcome, type UploadTarget } from './file-uploads.js';
import { mqttSessions } from './mqtt-device-session.js';
import { ReconnectPace } from './reconnect-pace.js';
import { rejectionHint } from './rejection-hint.js';
import { combineTwinPatches, type TwinProperties } from './twin-patch.js';

export interface IotHubDeviceOptions {
  /** `HostName=…;DeviceId=…;SharedAccessKey=…`; a port may follow the host's name. */
  connectionString: string;
  /** A certificate authority (PEM) to trust instead of the process's own. */
  ca?: string;
}

/** Whether the device is connected, and if not, why. */
export type ConnectionState =
  | { status: 'connecting' }
  | { status: 'connected' }
  | { status: 'waiting'; failure: ConnectionFailure; delayMs: number }
  | { status: 'closed' };

/** What the hub asks of the device. */
export interface IotHubDeviceListener {
  onMethod(call: MethodCall): void;
  onDesiredProperties(change: DesiredPropertiesChange): void;
}

/** What {@link IotHubDevice} takes from the world around it; tests give their own. */
export interface IotHubDeviceSeams {
  openSession: OpenDeviceSession;
  /** Waits; ends early, by rejecting, when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  measureClockSkewMs(): Promise<number | undefined>;
  random(): number;
  /** In milliseconds, ever rising. */
  now(): number;
}

/**
 * A device's side of IoT Hub: one connection that is made again for ever, the twin, and file uploads.
 *
 * After each connect the desired properties are read anew and all reported properties are sent again, so what was
 * missed while offline is made up for.
 */
export class IotHubDevice {
  readonly deviceId: string;
  private readonly credentials: DeviceCredentials;
  private readonly uploads: FileUploads;
  private readonly seams: IotHubDeviceSeams;
  private readonly pace: ReconnectPace;
  private readonly logger = new Logger(IotHubDevice.name);
  private readonly closing = new AbortController();
  private readonly stateListeners = new Set<(state: ConnectionState) => void>();
  private currentState: ConnectionState = { status: 'connecting' };
  private session: DeviceSession | undefined;
  private running: Promise<void> | undefined;
  /** All that was ever reported, as one patch. */
  private reported: TwinProperties = {};

  /** @throws {@link AppError} `SETTINGS.INVALID` for a connection string that is none */
  constructor({ connectionString, ca }: IotHubDeviceOptions, seams: Partial<IotHubDeviceSeams> = {}) {
    this.credentials = parseDeviceConnectionString(connectionString);
    this.deviceId = this.credentials.deviceId;
    this.uploads = new FileUploads(this.credentials, ca);
    this.seams = {
      openSession: mqttSessions({ credentials: this.credentials, ca }),
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      measureClockSkewMs: () => measureClockSkewMs(this.credentials.hostName, ca),
      random: Math.random,
      now: () => performance.now(),
      ...seams,
    };
    this.pace = new ReconnectPace(() => this.seams.random());
  }

  get state(): ConnectionState {
    return this.currentState;
  }

  /** Calls `listener` at each change from now on; the function returned ends that. */
  onStateChange(listener: (state: ConnectionState) => void): () => void {
    this.stateListeners.add(listener);
    return () => this.stateListeners.delete(listener);
  }

  /** Connects, and keeps connecting until {@link IotHubDevice.close}. */
  start(listener: IotHubDeviceListener): void {
    if (this.running) throw new Error('The device was started already.');
    this.running = this.keepConnected(listener);
  }

  /** Resolves once there is a connection; at once if there is one now. Never rejects, and never resolves after `close`. */
  connected(): Promise<void> {
    if (this.currentState.status === 'connected') return Promise.resolve();
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
    if (this.session) await this.send(this.session, patch);
  }

  /**
   * Sends a message to the cloud at least once: resolves when the hub has confirmed that it holds it. Nothing is kept or
   * repeated here; a message whose sending failed may have arrived all the same.
   *
   * @throws {@link AppError} `DEVICE.OFFLINE` without a connection; what the transport reports, after 40 s at the latest
   */
  async sendMessage(message: DeviceMessage): Promise<void> {
    if (!this.session) throw new AppError('DEVICE.OFFLINE', 'The device is not connected to the hub.');
    await this.session.sendMessage(message);
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
  async close(): Promise<void> {
    this.closing.abort();
    await this.running;
    this.changeState({ status: 'closed' });
  }

  private async keepConnected(listener: IotHubDeviceListener): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      this.changeState({ status: 'connecting' });
      const ended = await this.connectOnce(listener);
      if (!ended) return;
      const { failure, delayMs } = ended;
      this.logger.warn(sentences(failure.message, failure.hint, `Next try in ${delayMs} ms`));
      this.changeState({ status: 'waiting', ...ended });
      await this.seams.sleep(ended.delayMs, signal).catch(() => undefined);
    }
  }

  /** One connection from beginning to end; undefined when it ended because of {@link IotHubDevice.close}. */
  private async connectOnce(
    listener: IotHubDeviceListener,
  ): Promise<{ failure: ConnectionFailure; delayMs: number } | undefined> {
    const { signal } = this.closing;
    const desired = new DesiredState((change) => {
      listener.onDesiredProperties(change);
    });
    const lost = Promise.withResolvers<Error | undefined>();
    const onAbort = (): void => {
      lost.resolve(undefined);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const session = await this.seams.openSession(
        {
          onMethod: (call) => {
            listener.onMethod(call);
          },
          onDesiredPatch: (patch) => {
            desired.patch(patch);
          },
          onLost: lost.resolve,
        },
        signal,
      );
      return await this.live(session, desired, lost.promise);
    } catch (error) {
      if (signal.aborted) return undefined;
      if (error instanceof LostWhileOpening) return this.afterLoss(0, error);
      const failure = await this.explained(connectionFailureOf(error));
      return { failure, delayMs: this.pace.afterFailure(failure.kind) };
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  private async live(
    session: DeviceSession,
    desired: DesiredState,
    lost: Promise<Error | undefined>,
  ): Promise<{ failure: ConnectionFailure; delayMs: number } | undefined> {
    const since = this.seams.now();
    this.session = session;
    this.logger.log(`Connected to the hub as "${this.deviceId}".`);
    this.changeState({ status: 'connected' });
    try {
      desired.reset(session.desired);
      if (Object.keys(this.reported).length > 0) void this.send(session, this.reported);
      const error = await lost;
      if (this.closing.signal.aborted) return undefined;
      return this.afterLoss(this.seams.now() - since, error ?? CLOSED_BY_HUB);
    } finally {
      this.session = undefined;
      await session.close();
    }
  }

  private afterLoss(livedMs: number, error: Error): { failure: ConnectionFailure; delayMs: number } {
    const { kind, delayMs } = this.pace.afterLoss(livedMs);
    return { failure: kind === 'replaced' ? REPLACED : connectionFailureOf(error), delayMs };
  }

  private async send(session: DeviceSession, patch: TwinProperties): Promise<void> {
    try {
      await session.reportProperties(patch);
    } catch (error) {
      // When the connection is gone the next one sends it.
      if (this.session === session) this.logger.warn(`The hub did not take reported properties: ${String(error)}`);
    }
  }

  private async explained(failure: ConnectionFailure): Promise<ConnectionFailure> {
    if (failure.kind !== 'rejected') return failure;
    return { ...failure, hint: rejectionHint(this.deviceId, await this.seams.measureClockSkewMs()) };
  }

  private changeState(state: ConnectionState): void {
    this.currentState = state;
    for (const listener of this.stateListeners) {
      try {
        listener(state);
      } catch (error) {
        // Whatever a listener does, the device stays connected.
        this.logger.error(error);
      }
    }
  }
}

function sentences(...texts: (string | undefined)[]): string {
  return texts.flatMap((text) => (text ? `${text.replace(/\.$/, '')}.` : [])).join(' ');
}

const CLOSED_BY_HUB = new Error('The connection was closed.');

const REPLACED: ConnectionFailure = {
  kind: 'replaced',
  message:
    'The hub closes this connection each time soon after it was made: another connection uses the same identity.',
  hint: 'Stop the other process, or give each its own device id; a hub keeps one connection a device.',
};
