import type { Readiness } from '../queries/check-readiness/check-readiness.query.js';

export class ReadinessCheckResponse {
  /**
   * What was asked.
   * @example iot_hub
   */
  name: string;

  /** Whether the API is ready only if this is healthy. */
  required: boolean;

  healthy: boolean;

  /**
   * Why it is or is not healthy.
   * @example The IoT Hub answers.
   */
  reason: string;
}

export class ReadinessResponse {
  status: 'ready' | 'not_ready';

  checks: ReadinessCheckResponse[];

  static of({ ready, checks }: Readiness): ReadinessResponse {
    return { status: ready ? 'ready' : 'not_ready', checks: [...checks] };
  }
}
