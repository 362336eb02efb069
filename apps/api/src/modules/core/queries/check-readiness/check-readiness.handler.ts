import { AppError } from '#libs/runtime';
import { DiscoveryService } from '@nestjs/core';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { ReadinessCheck, type ReadinessChecker, type ReadinessReport } from '../../../../health/readiness-check.js';
import { CheckReadinessQuery, type Readiness } from './check-readiness.query.js';

/** How long a check may take. */
const CHECK_TIMEOUT_MS = 3_000;

/** How long an answer is given again, so that frequent probes do not use up the hub's quota. */
const ANSWER_AGE_MS = 2_000;

/** Asks every provider that `ReadinessCheck` marks, all at once. */
@QueryHandler(CheckReadinessQuery)
export class CheckReadinessHandler implements IQueryHandler<CheckReadinessQuery> {
  private answer: { readonly readiness: Promise<Readiness>; readonly until: number } | undefined;

  constructor(private readonly discovery: DiscoveryService) {}

  execute(): Promise<Readiness> {
    const now = performance.now();
    if (!this.answer || now >= this.answer.until)
      this.answer = { readiness: this.askAll(), until: now + CHECK_TIMEOUT_MS + ANSWER_AGE_MS };
    return this.answer.readiness;
  }

  private async askAll(): Promise<Readiness> {
    const providers = this.discovery.getProviders({ metadataKey: ReadinessCheck.KEY });
    const checks = await Promise.all(
      providers.map(async (provider) => {
        const { name = 'unnamed', required = false } =
          this.discovery.getMetadataByDecorator(ReadinessCheck, provider) ?? {};
        return { name, required, ...(await ask(provider.instance as ReadinessChecker)) };
      }),
    );
    checks.sort((a, b) => Number(b.required) - Number(a.required) || (a.name < b.name ? -1 : 1));
    return { ready: checks.every(({ required, healthy }) => healthy || !required), checks };
  }
}

async function ask(checker: ReadinessChecker): Promise<ReadinessReport> {
  const limit = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<ReadinessReport>((resolve) => {
    timer = setTimeout(() => {
      limit.abort();
      resolve({ healthy: false, reason: `No answer within ${CHECK_TIMEOUT_MS / 1000} s.` });
    }, CHECK_TIMEOUT_MS);
  });
  const found = checker.check(limit.signal).catch((error: unknown) => ({
    healthy: false,
    // Only our own errors are sure to hold no secret.
    reason: error instanceof AppError ? error.message : 'The check failed unexpectedly.',
  }));
  return Promise.race([found, late]).finally(() => {
    clearTimeout(timer);
  });
}
