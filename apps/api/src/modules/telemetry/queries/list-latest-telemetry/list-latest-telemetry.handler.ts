import { DeviceRegistry } from '#libs/iot-hub/service';
import { type IQueryHandler, QueryHandler } from '@nestjs/cqrs';
import { TelemetryArchive } from '../../telemetry-archive.js';
import { type LatestTelemetryPage, ListLatestTelemetryQuery } from './list-latest-telemetry.query.js';

/** How many devices are asked about at a time. */
const CONCURRENCY = 8;

@QueryHandler(ListLatestTelemetryQuery)
export class ListLatestTelemetryHandler implements IQueryHandler<ListLatestTelemetryQuery> {
  constructor(
    private readonly registry: DeviceRegistry,
    private readonly archive: TelemetryArchive,
  ) {}

  async execute({ options }: ListLatestTelemetryQuery): Promise<LatestTelemetryPage> {
    const { kind, limit, continuationToken, signal } = options;
    const page = await this.registry.list({ limit, continuationToken });
    const items = await inTurns(page.items, CONCURRENCY, async (device) => {
      const [latest] = await this.archive.newestFirst(device.deviceId, { kind, limit: 1, signal });
      return { device, latest };
    });
    return { items, continuationToken: page.continuationToken };
  }
}

/** The results of `work` in the order of `items`, so many at work at a time. */
async function inTurns<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of waiting) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return results;
}
