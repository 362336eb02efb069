import { Injectable } from '@nestjs/common';
import type { RequestHandler } from 'express';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** In seconds: from a twin in memory to a large download. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What Nest mounts its middleware under, which is no route of ours. */
const CATCH_ALL = '{/*splat}';

/** Counts and times the requests, by the route's template and not by its path, and watches the process. */
@Injectable()
export class Metrics {
  private readonly registry = new Registry();
  private readonly durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'How long requests took until their answer was sent, in seconds.',
    labelNames: ['method', 'route', 'status'],
    buckets: DURATION_BUCKETS,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** The media type of {@link render}'s text. */
  get contentType(): string {
    return this.registry.contentType;
  }

  /** Everything measured so far, in Prometheus' text format. */
  render(): Promise<string> {
    return this.registry.metrics();
  }

  /** Measures every request that passes. */
  measure(): RequestHandler {
    return (request, response, next) => {
      const stop = this.durations.startTimer({ method: request.method });
      response.once('close', () => {
        // Express sets the route once it has found one; it declares it as any.
        const path = (request.route as { path?: unknown } | undefined)?.path;
        const route = typeof path === 'string' && !path.endsWith(CATCH_ALL) ? path : 'none';
        stop({ route, status: response.writableFinished ? response.statusCode : 'aborted' });
      });
      next();
    };
  }
}
