import { execFile } from 'node:child_process';
import type { Logger } from '#libs/runtime';
import type { DeviceAgentSettings } from './device-agent.config.js';

/** How long one message may take: systemd answers when it has read it. */
const SEND_TIMEOUT_MS = 5_000;

/** Node has no datagram sockets of the kind that systemd listens on, so that its own little program sends the messages. */
const PROGRAM = '/usr/bin/systemd-notify';

interface ServiceManagerOptions {
  readonly logger: Logger;
  readonly program?: string;
}

/**
 * Tells systemd how the agent is, if systemd has started it as a service of `Type=notify`; does nothing otherwise.
 * With `WatchdogSec=` it sends a sign of life at half that interval for as long as the event loop turns: an agent
 * that hangs is started anew, one that is merely offline is not.
 *
 * @see https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
 */
export class ServiceManager {
  private readonly watchdogMs: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private last: Promise<void> = Promise.resolve();
  private waiting = 0;
  private failed = false;

  constructor(
    private readonly settings: Pick<DeviceAgentSettings, 'NOTIFY_SOCKET' | 'WATCHDOG_USEC' | 'WATCHDOG_PID'>,
    private readonly options: ServiceManagerOptions,
  ) {
    const { WATCHDOG_USEC: periodUs, WATCHDOG_PID: pid } = settings;
    // The variables may have been meant for the process that started this one.
    if (periodUs && (pid === undefined || pid === process.pid)) this.watchdogMs = periodUs / 1000 / 2;
  }

  /** The service is up; from now on signs of life are expected. */
  ready(status: string): Promise<void> {
    if (this.watchdogMs !== undefined && this.settings.NOTIFY_SOCKET)
      this.timer ??= setInterval(() => void this.signOfLife(), this.watchdogMs);
    return this.send('READY=1', `STATUS=${status}`);
  }

  /** What `systemctl status` shows. */
  status(status: string): Promise<void> {
    return this.send(`STATUS=${status}`);
  }

  /** The service is about to end. */
  async stopping(): Promise<void> {
    clearInterval(this.timer);
    await this.send('STOPPING=1');
  }

  /** Unless a message is on its way, so that none pile up behind a slow one. */
  private async signOfLife(): Promise<void> {
    if (this.waiting === 0) await this.send('WATCHDOG=1');
  }

  /** One after another, so that none overtakes another. */
  private send(...message: string[]): Promise<void> {
    if (!this.settings.NOTIFY_SOCKET) return Promise.resolve();
    this.waiting += 1;
    this.last = this.last.then(() => this.run(message));
    return this.last;
  }

  private run(message: string[]): Promise<void> {
    const { logger, program = PROGRAM } = this.options;
    const { NOTIFY_SOCKET } = this.settings;
    return new Promise((resolve) => {
      execFile(program, message, { timeout: SEND_TIMEOUT_MS, env: { NOTIFY_SOCKET } }, (error) => {
        if (error && !this.failed)
          logger.warn({ err: error }, 'systemd-notify failed: systemd does not hear of the agent.');
        this.failed = error !== null;
        this.waiting -= 1;
        resolve();
      });
    });
  }
}
