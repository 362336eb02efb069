import { AppError } from '#libs/runtime';
import { Test } from '@nestjs/testing';
import { DiscoveryModule } from '@nestjs/core';
import { ReadinessCheck, type ReadinessChecker, type ReadinessReport } from '../../../../health/readiness-check.js';
import { CheckReadinessHandler } from './check-readiness.handler.js';

type Check = ReadinessChecker['check'];

/** A provider as a module would have it. */
function checker(name: string, required: boolean, check: Check) {
  @ReadinessCheck({ name, required })
  class Checker implements ReadinessChecker {
    readonly check = check;
  }
  return Checker;
}

const found = (healthy: boolean): Promise<ReadinessReport> => Promise.resolve({ healthy, reason: 'because' });

async function readinessWith(...providers: ReturnType<typeof checker>[]) {
  const module = await Test.createTestingModule({
    imports: [DiscoveryModule],
    providers: [CheckReadinessHandler, ...providers],
  }).compile();
  return module.get(CheckReadinessHandler);
}

describe(CheckReadinessHandler.name, () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is ready when all that is required is healthy, whatever the rest', async () => {
    const handler = await readinessWith(
      checker('ai_services', false, () => found(false)),
      checker('iot_hub', true, () => found(true)),
      checker('blob_storage', true, () => found(true)),
    );
    expect(await handler.execute()).toEqual({
      ready: true,
      checks: [
        { name: 'blob_storage', required: true, healthy: true, reason: 'because' },
        { name: 'iot_hub', required: true, healthy: true, reason: 'because' },
        { name: 'ai_services', required: false, healthy: false, reason: 'because' },
      ],
    });
  });

  it('is not ready when something required is not healthy', async () => {
    const handler = await readinessWith(
      checker('iot_hub', true, () => found(true)),
      checker('blob_storage', true, () => found(false)),
    );
    expect(await handler.execute()).toMatchObject({ ready: false });
  });

  it('gives our own errors as reason, and no other, which could hold secrets', async () => {
    const handler = await readinessWith(
      checker('ours', true, () =>
        Promise.reject(new AppError('IOT_HUB.UNREACHABLE', 'The IoT Hub cannot be reached.')),
      ),
      checker('theirs', true, () => Promise.reject(new Error('key=secret'))),
    );
    const { checks } = await handler.execute();
    expect(checks.map(({ reason }) => reason)).toEqual([
      'The IoT Hub cannot be reached.',
      'The check failed unexpectedly.',
    ]);
  });

  it('asks all at once, waits for none beyond its time, and tells it so', async () => {
    jest.useFakeTimers();
    const signals: AbortSignal[] = [];
    const silent: Check = (signal) => {
      signals.push(signal);
      return new Promise(() => undefined);
    };
    const handler = await readinessWith(checker('a', true, silent), checker('b', true, silent));
    const readiness = handler.execute();
    await jest.advanceTimersByTimeAsync(3_000);
    expect(await readiness).toMatchObject({ ready: false, checks: [{ reason: 'No answer within 3 s.' }, {}] });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it('gives the same answer again for a while', async () => {
    jest.useFakeTimers();
    const check = jest.fn(() => found(true));
    const handler = await readinessWith(checker('a', true, check));
    await handler.execute();
    await handler.execute();
    expect(check).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(10_000);
    await handler.execute();
    expect(check).toHaveBeenCalledTimes(2);
  });
});
