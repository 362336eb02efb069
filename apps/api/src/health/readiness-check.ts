import { DiscoveryService } from '@nestjs/core';

/** What a check found. */
export interface ReadinessReport {
  readonly healthy: boolean;
  /** Why, in one sentence without secrets. */
  readonly reason: string;
}

/** A provider that {@link ReadinessCheck} marks. */
export interface ReadinessChecker {
  /** Looks at the dependency; may throw, which counts as unhealthy. `signal` says when the answer is no longer awaited. */
  check(signal: AbortSignal): Promise<ReadinessReport>;
}

/**
 * Makes `GET /health/ready` ask a provider (a {@link ReadinessChecker}). `required` ones decide whether the API is ready,
 * the others are only reported.
 */
export const ReadinessCheck = DiscoveryService.createDecorator<{ name: string; required: boolean }>();
