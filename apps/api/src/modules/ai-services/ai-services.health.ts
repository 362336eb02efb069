import { ChatModel } from '#libs/ai';
import { Injectable } from '@nestjs/common';
import { ReadinessCheck, type ReadinessChecker, type ReadinessReport } from '../../health/readiness-check.js';

/** Whether the AI server answers; the API serves all else without it. */
@Injectable()
@ReadinessCheck({ name: 'ai_services', required: false })
export class AiServicesHealth implements ReadinessChecker {
  constructor(private readonly model: ChatModel) {}

  async check(signal: AbortSignal): Promise<ReadinessReport> {
    await this.model.probe(signal);
    return { healthy: true, reason: 'The AI server answers.' };
  }
}
