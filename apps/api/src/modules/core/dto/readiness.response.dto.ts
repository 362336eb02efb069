import { ApiProperty } from '@nestjs/swagger';
import type { Readiness } from '../queries/check-readiness/check-readiness.query.js';

export class ReadinessCheckResponse {
  /**
   * What was asked.
   * @example iot_hub
   */
  name: string;

  /** Whether the API is ready only if this is healthy. */
  required: boolean;

  /** Whether it answers as it should. */
  healthy: boolean;

  /**
   * Why it is or is not healthy.
   * @example The IoT Hub answers.
   */
  reason: string;
}

export class ReadinessResponse {
  /** Whether the API can do its work. */
  @ApiProperty({ enum: ['ready', 'not_ready'] })
  status: 'ready' | 'not_ready';

  /** What the API asked to know. */
  checks: ReadinessCheckResponse[];

  static of({ ready, checks }: Readiness): ReadinessResponse {
    return { status: ready ? 'ready' : 'not_ready', checks: [...checks] };
  }
}
