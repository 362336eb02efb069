import { MESSAGE_KIND_PROPERTY } from '#libs/contracts';
import { CosmosContainer, type Query, TELEMETRY_DAYS, telemetryPartition } from '#libs/cosmos';
import { Injectable } from '@nestjs/common';
import { readRoutedDocument, type RoutedDocument } from './routed-document.js';
import type { MessagePosition, TelemetryMessage } from './telemetry-message.js';

/** Which messages of a device are looked for. */
export interface MessageSelection {
  /** The first moment; by default as far back as messages are kept. */
  readonly from?: Date | undefined;
  /** The first moment no more; by default there is none. */
  readonly to?: Date | undefined;
  /** Value of the application property `kind`. */
  readonly kind?: string | undefined;
  /** Only messages older than this one. */
  readonly after?: MessagePosition | undefined;
  readonly limit: number;
  readonly signal?: AbortSignal | undefined;
}

const DAY_MS = 86_400_000;
const TIME = 'c.SystemProperties["iothub-enqueuedtime"]';

/** The messages that IoT Hub has routed into Cosmos DB: a partition for each device and month, in UTC. */
@Injectable()
export class TelemetryArchive {
  constructor(private readonly container: CosmosContainer) {}

  /**
   * A device's messages, the newest first; those of the same time by id, the last first. The months are asked one by one,
   * each within its own partition, until there are enough.
   */
  async newestFirst(deviceId: string, selection: MessageSelection): Promise<TelemetryMessage[]> {
    // The hub's clock may be ahead of ours: at a month's end its messages are in the next one already.
    const latest = selection.after?.enqueuedTime ?? selection.to ?? Date.now() + DAY_MS;
    const from = selection.from ?? new Date(Number(selection.to ?? Date.now()) - TELEMETRY_DAYS * DAY_MS);
    const messages: TelemetryMessage[] = [];
    for (const month of monthsBackwards(new Date(latest), from)) {
      const limit = selection.limit - messages.length;
      if (limit === 0) break;
      const partitionKey = telemetryPartition(deviceId, month);
      const query = newestOf(partitionKey, { ...selection, from, limit });
      const options = { partitionKey, limit, signal: selection.signal };
      const documents = await this.container.query<RoutedDocument>(query, options);
      messages.push(...documents.map(readRoutedDocument));
    }
    return messages;
  }
}

function* monthsBackwards(latest: Date, earliest: Date): Generator<{ year: number; month: number }> {
  const countOf = (date: Date): number => date.getUTCFullYear() * 12 + date.getUTCMonth();
  for (let count = countOf(latest); count >= countOf(earliest); count--)
    yield { year: Math.floor(count / 12), month: (count % 12) + 1 };
}

/** Every value is a parameter; the text is put together of constants alone. */
function newestOf(partitionKey: string, { from, to, kind, after, limit }: MessageSelection): Query {
  const conditions = [
    'c.partitionKey = @partition',
    from && `${TIME} >= @from`,
    to && `${TIME} < @to`,
    kind !== undefined && `c.Properties["${MESSAGE_KIND_PROPERTY}"] = @kind`,
    after && `(${TIME} < @time OR (${TIME} = @time AND c.id < @id))`,
  ].filter((condition) => typeof condition === 'string');
  return {
    text: `SELECT TOP @limit * FROM c WHERE ${conditions.join(' AND ')} ORDER BY ${TIME} DESC, c.id DESC`,
    parameters: {
      '@limit': limit,
      '@partition': partitionKey,
      ...(from && { '@from': comparable(from) }),
      ...(to && { '@to': comparable(to) }),
      ...(kind !== undefined && { '@kind': kind }),
      ...(after && { '@time': after.enqueuedTime, '@id': after.id }),
    },
  };
}

/** Without what the hub may write with more or fewer digits, so that it sorts before all ways to write the same moment. */
function comparable(date: Date): string {
  return date.toISOString().replace(/\.?0*Z$/, '');
}
