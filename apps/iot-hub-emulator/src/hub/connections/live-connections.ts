import type { Logger } from 'pino';
import { HubError } from '../errors/hub-errors.js';
import { identityKey, type Identity } from '../identity.js';
import type { CloseReason, DeviceConnection, Listening } from './device-connection.js';

const REPLACED = new HubError(
  'ConnectionForcefullyClosedOnNewConnection',
  'Connection closed: the same device connected again, and the newest connection wins',
);

/**
 * The devices and modules connected now: at most one connection each, the newest wins.
 * Protocols attach and detach; methods and twins look up.
 */
export class LiveConnections {
  private readonly connections = new Map<string, DeviceConnection>();
  private readonly waiting = new Map<string, Set<() => void>>();

  /**
   * @param stateChanged called when a device or module goes from no connection to one, or the other way.
   */
  constructor(
    private readonly logger: Logger,
    private readonly stateChanged: (identity: Identity, connected: boolean) => void,
  ) {}

  /** How many devices and modules are connected. */
  get size(): number {
    return this.connections.size;
  }

  /** How many devices are connected, modules apart. */
  get deviceCount(): number {
    let count = 0;
    for (const { identity } of this.connections.values()) if (identity.moduleId === undefined) count += 1;
    return count;
  }

  get(identity: Identity): DeviceConnection | undefined {
    return this.connections.get(identityKey(identity));
  }

  /** Makes this the connection of its device or module; an older one is closed with reason `replaced`. */
  attach(connection: DeviceConnection): void {
    const { identity, description } = connection;
    const key = identityKey(identity);
    const older = this.connections.get(key);
    this.connections.set(key, connection);
    if (older === undefined) {
      this.logger.info({ ...identity, connection: description }, 'Device connected');
      this.stateChanged(identity, true);
    } else {
      this.logger.warn(
        { ...identity, connection: older.description, replacedBy: description, code: REPLACED.code },
        REPLACED.message,
      );
      this.logger.info(
        { ...identity, connection: description, replaces: older.description },
        'Device connected, replacing',
      );
      older.close('replaced');
    }
    this.listeningChanged(identity);
  }

  /** Forgets the connection if it is still the device's current one. @param reason why it ended, for the log. */
  detach(connection: DeviceConnection, reason?: string): void {
    const { identity, description } = connection;
    const key = identityKey(identity);
    if (this.connections.get(key) !== connection) return;
    this.connections.delete(key);
    this.logger.info({ ...identity, connection: description, reason }, 'Device disconnected');
    this.stateChanged(identity, false);
  }

  /** Tell it when a connected device subscribes or unsubscribes: calls waiting for the device go on. */
  listeningChanged(identity: Identity): void {
    for (const check of [...(this.waiting.get(identityKey(identity)) ?? [])]) check();
  }

  /** Calls `check` whenever the device connects or changes what it listens to, until the returned function is called. */
  watch(identity: Identity, check: () => void): () => void {
    const key = identityKey(identity);
    const checks = this.waiting.get(key) ?? new Set();
    this.waiting.set(key, checks.add(check));
    return () => {
      checks.delete(check);
      if (checks.size === 0) this.waiting.delete(key);
    };
  }

  /** The device's connection if it listens to this kind. */
  listening(identity: Identity, kind: Listening): DeviceConnection | undefined {
    const connection = this.get(identity);
    return connection?.listensTo(kind) === true ? connection : undefined;
  }

  /** Ends the device's connection, if there is one. */
  close(identity: Identity, reason: CloseReason): void {
    const connection = this.get(identity);
    if (connection === undefined) return;
    this.logger.warn({ ...identity, connection: connection.description, reason }, 'Connection closed by the hub');
    connection.close(reason);
    this.detach(connection);
  }

  /** Ends all connections. */
  closeAll(reason: CloseReason): void {
    for (const { identity } of [...this.connections.values()]) this.close(identity, reason);
  }
}
