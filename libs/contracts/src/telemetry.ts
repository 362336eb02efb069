import { IsInt, IsISO8601, IsNumber, IsOptional, Max, Min } from 'class-validator';
import type { DeviceMessageContract } from './device-message.js';

/** How a device is, sent at the interval of the desired property `telemetry_interval_seconds`. */
export class Telemetry {
  /** When this was measured, ISO 8601 in UTC: a message may wait on the device while it is offline. */
  @IsISO8601()
  measured_at: string;

  /** How busy the processors were since the message before, or since the machine's start. */
  @IsNumber()
  @Min(0)
  @Max(100)
  cpu_percent: number;

  @IsInt()
  @Min(0)
  memory_used_bytes: number;

  @IsInt()
  @Min(1)
  memory_total_bytes: number;

  /** Of the file system that the agent runs on. */
  @IsInt()
  @Min(0)
  disk_used_bytes: number;

  @IsInt()
  @Min(0)
  disk_total_bytes: number;

  /** Of the hottest sensor; left out where there is none. */
  @IsOptional()
  @IsNumber()
  temperature_celsius?: number;

  /** Since the machine's start. */
  @IsInt()
  @Min(0)
  uptime_seconds: number;

  /** Pictures taken and stored since the agent's start. */
  @IsInt()
  @Min(0)
  frames_captured: number;
}

export const telemetry: DeviceMessageContract<'telemetry', Telemetry> = { kind: 'telemetry', body: Telemetry };

/** The desired property that sets how often a device sends {@link Telemetry}. */
export const TELEMETRY_INTERVAL_PROPERTY = 'telemetry_interval_seconds';

/** In whole seconds: what a device does by itself, and what it accepts. */
export const TELEMETRY_INTERVAL_SECONDS = { default: 60, min: 1, max: 86_400 } as const;
