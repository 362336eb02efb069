import { CosmosContainer } from '#libs/cosmos';
import { Injectable } from '@nestjs/common';
import { ReadinessCheck, type ReadinessChecker, type ReadinessReport } from '../../health/readiness-check.js';

/** Whether Cosmos DB answers. An API without one is ready all the same: its other routes work. */
@Injectable()
@ReadinessCheck({ name: 'cosmos', required: true })
export class TelemetryHealth implements ReadinessChecker {
  constructor(private readonly container: CosmosContainer) {}

  async check(signal: AbortSignal): Promise<ReadinessReport> {
    if (!this.container.isConfigured)
      return { healthy: true, reason: 'No Cosmos DB is configured, so that there is no telemetry.' };
    await this.container.probe(signal);
    return { healthy: true, reason: 'Cosmos DB answers.' };
  }
}
