import { AppError } from '#libs/runtime';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { DefaultDevice } from '../../../iot-hub/default-device.js';
import { readContinuationToken, writeContinuationToken } from '../../continuation-token.js';
import { TelemetryArchive } from '../../telemetry-archive.js';
import { positionOf } from '../../telemetry-message.js';
import { ListTelemetryQuery, type TelemetryPage } from './list-telemetry.query.js';

/** Each month is a query of its own. */
const MAX_RANGE_DAYS = 366;
const DAY_MS = 86_400_000;

@QueryHandler(ListTelemetryQuery)
export class ListTelemetryHandler implements IQueryHandler<ListTelemetryQuery> {
  constructor(
    private readonly archive: TelemetryArchive,
    private readonly defaultDevice: DefaultDevice,
  ) {}

  async execute({ deviceId, options }: ListTelemetryQuery): Promise<TelemetryPage> {
    const { from, to, kind, limit, continuationToken, signal } = options;
    requireRange(from, to);
    const after = continuationToken === undefined ? undefined : readContinuationToken(continuationToken);
    // One more than is asked for tells whether a page follows.
    const found = await this.archive.newestFirst(this.defaultDevice.or(deviceId), {
      from,
      to,
      kind,
      after,
      limit: limit + 1,
      signal,
    });
    const items = found.slice(0, limit);
    const last = items.at(-1);
    const more = found.length > limit && last;
    return { items, continuationToken: more ? writeContinuationToken(positionOf(last)) : undefined };
  }
}

/** @throws {@link AppError} `REQUEST.INVALID` */
function requireRange(from: Date | undefined, to: Date | undefined): void {
  if (!from) return;
  const days = (Number(to ?? Date.now()) - Number(from)) / DAY_MS;
  if (days > MAX_RANGE_DAYS)
    refuse(`from must not be more than ${MAX_RANGE_DAYS} days before to, or before now without to`);
  if (to && days <= 0) refuse('from must be before to');
}

function refuse(problem: string): never {
  throw new AppError('REQUEST.INVALID', problem, { details: { problems: [problem] } });
}
