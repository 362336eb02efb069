import type { Logger } from '@nestjs/common';
import { type ConnectionFailure, connectionFailureOf } from './connection-failure.js';
import { type DeviceSession, LostWhileOpening, type OpenDeviceSession, type SessionEvents } from './device-session.js';
import { ReconnectPace } from './reconnect-pace.js';
import { rejectionHint } from './rejection-hint.js';

/** Whether the device is connected, and if not, why. */
export type ConnectionState =
  | { status: 'connecting' }
  | { status: 'connected' }
  | { status: 'waiting'; failure: ConnectionFailure; delayMs: number }
  | { status: 'closed' };

/** What {@link LastingConnection} takes from the world around it; tests give their own. */
export interface ConnectionSeams {
  openSession: OpenDeviceSession;
  /** Waits; ends early, by rejecting, when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  measureClockSkewMs(): Promise<number | undefined>;
  random(): number;
  /** In milliseconds, ever rising. */
  now(): number;
}

/** What is done with one session. Events may come before it is ready. */
export interface SessionUse extends Omit<SessionEvents, 'onLost'> {
  onReady: (session: DeviceSession) => void;
}

/** Why there is no connection, and for how long the next one is waited for. */
interface Pause {
  failure: ConnectionFailure;
  delayMs: number;
}

/** One session with the hub after the other, for ever: each is opened anew when the last was lost or could not be had. */
export class LastingConnection {
  private readonly pace: ReconnectPace;
  private readonly closing = new AbortController();
  private readonly stateListeners = new Set<(state: ConnectionState) => void>();
  private currentState: ConnectionState = { status: 'connecting' };
  private currentSession: DeviceSession | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly deviceId: string,
    private readonly logger: Logger,
    private readonly seams: ConnectionSeams,
  ) {
    this.pace = new ReconnectPace(() => this.seams.random());
  }

  get state(): ConnectionState {
    return this.currentState;
  }

  /** The session that there is now. */
  get session(): DeviceSession | undefined {
    return this.currentSession;
  }

  /** Calls `listener` at each change from now on; the function returned ends that. */
  onStateChange(listener: (state: ConnectionState) => void): () => void {
    this.stateListeners.add(listener);
    return () => this.stateListeners.delete(listener);
  }

  /** Connects, and keeps connecting until {@link LastingConnection.close}; `useSession` is called before each attempt. */
  start(useSession: () => SessionUse): void {
    if (this.running) throw new Error('The device was started already.');
    this.running = this.keepConnected(useSession);
  }

  /** Disconnects for good. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.running;
    this.changeState({ status: 'closed' });
  }

  private async keepConnected(useSession: () => SessionUse): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      this.changeState({ status: 'connecting' });
      const pause = await this.connectOnce(useSession());
      if (!pause) return;
      const { failure, delayMs } = pause;
      this.logger.warn(sentences(failure.message, failure.hint, `Next try in ${delayMs} ms`));
      this.changeState({ status: 'waiting', ...pause });
      await this.seams.sleep(delayMs, signal).catch(() => undefined);
    }
  }

  /** One connection from beginning to end; undefined when it ended because of {@link LastingConnection.close}. */
  private async connectOnce({ onReady, ...events }: SessionUse): Promise<Pause | undefined> {
    const { signal } = this.closing;
    const lost = Promise.withResolvers<Error | undefined>();
    const onAbort = (): void => {
      lost.resolve(undefined);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const session = await this.seams.openSession({ ...events, onLost: lost.resolve }, signal);
      return await this.live(session, onReady, lost.promise);
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
    onReady: (session: DeviceSession) => void,
    lost: Promise<Error | undefined>,
  ): Promise<Pause | undefined> {
    const since = this.seams.now();
    this.currentSession = session;
    this.logger.log(`Connected to the hub as "${this.deviceId}".`);
    this.changeState({ status: 'connected' });
    try {
      onReady(session);
      const error = await lost;
      if (this.closing.signal.aborted) return undefined;
      return this.afterLoss(this.seams.now() - since, error ?? CLOSED_BY_HUB);
    } finally {
      this.currentSession = undefined;
      await session.close();
    }
  }

  private afterLoss(livedMs: number, error: Error): Pause {
    const { kind, delayMs } = this.pace.afterLoss(livedMs);
    return { failure: kind === 'replaced' ? REPLACED : connectionFailureOf(error), delayMs };
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
