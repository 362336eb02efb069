import { Query } from '@nestjs/cqrs';
import type { ReadinessReport } from '../../../../health/readiness-check.js';

export interface Readiness {
  /** Whether every required check is healthy. */
  readonly ready: boolean;
  readonly checks: readonly (ReadinessReport & { readonly name: string; readonly required: boolean })[];
}

export class CheckReadinessQuery extends Query<Readiness> {}
