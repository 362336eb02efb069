import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';

/** When, and for desired properties at which version, something last changed. */
export interface ChangeStamp {
  readonly lastUpdated: string;
  readonly lastUpdatedVersion?: number;
}

/** Metadata of a collection that has no properties yet. */
export function freshMetadata({ lastUpdated, lastUpdatedVersion }: ChangeStamp): JsonObject {
  return {
    $lastUpdated: lastUpdated,
    ...(lastUpdatedVersion === undefined ? {} : { $lastUpdatedVersion: lastUpdatedVersion }),
  };
}

/**
 * Stamps all that a patch touches: the properties named in it and every object above them; deleted ones lose their
 * metadata. `current` is not changed.
 */
export function mergeMetadata(current: JsonObject, patch: JsonObject, stamp: ChangeStamp): JsonObject {
  const merged = new Map<string, JsonValue>(Object.entries({ ...current, ...freshMetadata(stamp) }));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      merged.delete(name);
    } else if (isJsonObject(value)) {
      const existing = merged.get(name);
      merged.set(name, mergeMetadata(isJsonObject(existing) ? existing : {}, value, stamp));
    } else {
      merged.set(name, freshMetadata(stamp));
    }
  }
  return Object.fromEntries(merged);
}
