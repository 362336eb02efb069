import type { Logger } from 'pino';
import type { CloseReason, DeviceConnection, Listening } from './device-connection.js';

/**
 * The devices connected now: at most one connection a device, the newest wins.
 * Protocols attach and detach; methods and twins look up.
 */
export class LiveConnections {
  private readonly connections = new Map<string, DeviceConnection>();
  private readonly waiting = new Map<string, Set<() => void>>();

  /**
   * @param stateChanged called when a device goes from no connection to one, or the other way.
   */
  constructor(
    private readonly logger: Logger,
    private readonly stateChanged: (deviceId: string, connected: boolean) => void,
  ) {}

  /** How many devices are connected. */
  get size(): number {
    return this.connections.size;
  }

  get(deviceId: string): DeviceConnection | undefined {
    return this.connections.get(deviceId);
  }

  /** Makes this the device's connection; an older one is closed with reason `replaced`. */
  attach(connection: DeviceConnection): void {
    const { deviceId, description } = connection;
    const older = this.connections.get(deviceId);
    this.connections.set(deviceId, connection);
    if (older === undefined) {
      this.logger.info({ deviceId, connection: description }, 'Device connected');
      this.stateChanged(deviceId, true);
    } else {
      this.logger.warn(
        { deviceId, connection: older.description, replacedBy: description, code: 400027 },
        'Connection closed: the same device connected again, and the newest connection wins',
      );
      this.logger.info(
        { deviceId, connection: description, replaces: older.description },
        'Device connected, replacing',
      );
      older.close('replaced');
    }
    this.listeningChanged(deviceId);
  }

  /** Forgets the connection if it is still the device's current one. @param reason why it ended, for the log. */
  detach(connection: DeviceConnection, reason?: string): void {
    const { deviceId, description } = connection;
    if (this.connections.get(deviceId) !== connection) return;
    this.connections.delete(deviceId);
    this.logger.info({ deviceId, connection: description, reason }, 'Device disconnected');
    this.stateChanged(deviceId, false);
  }

  /** Tell it when a connected device subscribes or unsubscribes: calls waiting for the device go on. */
  listeningChanged(deviceId: string): void {
    for (const check of [...(this.waiting.get(deviceId) ?? [])]) check();
  }

  /** Calls `check` whenever the device connects or changes what it listens to, until the returned function is called. */
  watch(deviceId: string, check: () => void): () => void {
    const checks = this.waiting.get(deviceId) ?? new Set();
    this.waiting.set(deviceId, checks.add(check));
    return () => {
      checks.delete(check);
      if (checks.size === 0) this.waiting.delete(deviceId);
    };
  }

  /** The device's connection if it listens to this kind. */
  listening(deviceId: string, kind: Listening): DeviceConnection | undefined {
    const connection = this.connections.get(deviceId);
    return connection?.listensTo(kind) === true ? connection : undefined;
  }

  /** Ends the device's connection, if there is one. */
  close(deviceId: string, reason: CloseReason): void {
    const connection = this.connections.get(deviceId);
    if (connection === undefined) return;
    this.logger.warn({ deviceId, connection: connection.description, reason }, 'Connection closed by the hub');
    connection.close(reason);
    this.detach(connection);
  }

  /** Ends all connections. */
  closeAll(reason: CloseReason): void {
    for (const deviceId of [...this.connections.keys()]) this.close(deviceId, reason);
  }
}
