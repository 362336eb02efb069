import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { type PropertyAcknowledgement, telemetry, TELEMETRY_INTERVAL_SECONDS } from '#libs/contracts';
import type { TwinProperties } from '#libs/iot-hub/device';
import { MessageSender } from '../outbox/message-sender.js';
import { CaptureEvents } from './capture-events.js';
import { Clock } from './clock.js';
import { SystemMetrics } from './system-metrics.js';
import { acknowledgeInterval } from './telemetry-interval.js';

/** Sends telemetry: at the agent's start, and then at the interval that the cloud wishes. */
@Injectable()
export class TelemetryLoop implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(TelemetryLoop.name);
  private intervalSeconds: number = TELEMETRY_INTERVAL_SECONDS.default;
  private lastMs = 0;
  private cancel: () => void = () => undefined;
  private isClosed = false;

  constructor(
    private readonly metrics: SystemMetrics,
    private readonly captures: CaptureEvents,
    private readonly sender: MessageSender,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    void this.measure();
  }

  onModuleDestroy(): void {
    this.isClosed = true;
    this.cancel();
  }

  /**
   * Takes the interval from the desired properties: it counts from the message before, and one that is overdue by it is
   * sent at once.
   *
   * @returns the answer for the reported properties
   */
  applyInterval(desired: TwinProperties): PropertyAcknowledgement<number> {
    const answer = acknowledgeInterval(desired, this.intervalSeconds);
    if (answer.ad !== null) this.logger.warn({ msg: 'A desired property was refused', reason: answer.ad });
    if (answer.value !== this.intervalSeconds) {
      this.intervalSeconds = answer.value;
      this.schedule();
    }
    return answer;
  }

  private async measure(): Promise<void> {
    this.lastMs = this.clock.monotonicMs();
    this.schedule();
    try {
      const measured_at = this.clock.now().toISOString();
      const { framesCaptured: frames_captured } = this.captures;
      this.sender.send(telemetry, { measured_at, ...(await this.metrics.read()), frames_captured });
    } catch (error) {
      this.logger.warn(`The machine could not be measured: ${String(error)}`);
    }
  }

  private schedule(): void {
    this.cancel();
    if (this.isClosed) return;
    const dueMs = this.lastMs + this.intervalSeconds * 1_000;
    this.cancel = this.clock.startTimer(Math.max(0, dueMs - this.clock.monotonicMs()), () => void this.measure());
  }
}
