/** Any JSON. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonMap = Record<string, Json>;

/** What devices can subscribe to, by its topic filter. */
export const FILTERS = {
  methods: '$iothub/methods/POST/#',
  desired: '$iothub/twin/PATCH/properties/desired/#',
  twinReplies: '$iothub/twin/res/#',
} as const;
export type FilterName = keyof typeof FILTERS | 'deviceBound';

/** A message in a device's queue. */
export interface QueuedMessage {
  readonly number: number;
  deliveryCount: number;
}

/** What the hub has to know of a device: the plainest account there is of what all operations do. */
export class ModelDevice {
  enabled = true;
  tags: JsonMap = {};
  desired: JsonMap = {};
  reported: JsonMap = {};
  /** Two at the beginning: one for what services change, one for what the device reports. */
  version = 2;
  desiredVersion = 1;
  reportedVersion = 1;
  readonly queue: QueuedMessage[] = [];
  /** Held by the device over HTTPS. */
  locked: { message: QueuedMessage; token: string } | undefined;
  subscriptions = new Set<FilterName>();
  /** What a session that is to be kept subscribed to. */
  keptSubscriptions = new Set<FilterName>();
  keepsSession = false;
  connected = false;

  patchService({ tags, desired }: { tags?: JsonMap; desired?: JsonMap }): void {
    this.version += 1;
    if (tags) this.tags = merged(this.tags, tags);
    if (desired && Object.keys(desired).length > 0) {
      this.desired = merged(this.desired, desired);
      this.desiredVersion += 1;
    }
  }

  replaceService({ tags, desired }: { tags: JsonMap; desired: JsonMap }): void {
    this.version += 1;
    this.tags = merged({}, tags);
    this.desired = merged({}, desired);
    this.desiredVersion += 1;
  }

  patchReported(patch: JsonMap): void {
    this.reported = merged(this.reported, patch);
    this.reportedVersion += 1;
    this.version += 1;
  }

  /** The next message that the device would get. */
  get nextMessage(): QueuedMessage | undefined {
    return this.queue.find((message) => message !== this.locked?.message);
  }

  remove(message: QueuedMessage): void {
    this.queue.splice(this.queue.indexOf(message), 1);
  }
}

/** A JSON merge patch. @see https://datatracker.ietf.org/doc/html/rfc7396 */
function merged(target: JsonMap, patch: JsonMap): JsonMap {
  const result = { ...target };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- names of a plain record
      delete result[name];
    } else if (isMap(value)) {
      const before = result[name];
      result[name] = merged(before !== undefined && isMap(before) ? before : {}, value);
    } else {
      result[name] = value;
    }
  }
  return result;
}

const isMap = (value: Json): value is JsonMap => typeof value === 'object' && value !== null && !Array.isArray(value);
