/** Desired or reported properties of a twin, or a change of them: null removes a property. */
export type TwinProperties = Record<string, unknown>;

/** The properties after a patch, as IoT Hub merges it: null removes, objects merge, all else (lists too) replaces. */
export function applyTwinPatch(properties: TwinProperties, patch: TwinProperties): TwinProperties {
  return merged(properties, patch, { keepNulls: false });
}

/**
 * One patch that does what two do, one after the other. What no patch can say: an object that follows a removal, or
 * another kind of value, of the same name; it then merges with the object that the hub may still hold there.
 */
export function combineTwinPatches(first: TwinProperties, second: TwinProperties): TwinProperties {
  return merged(first, second, { keepNulls: true });
}

function merged(target: TwinProperties, patch: TwinProperties, { keepNulls }: { keepNulls: boolean }): TwinProperties {
  const result = new Map(Object.entries(target));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null && !keepNulls) {
      result.delete(name);
    } else if (isObject(value)) {
      const existing = result.get(name);
      result.set(name, merged(isObject(existing) ? existing : {}, value, { keepNulls }));
    } else {
      result.set(name, value);
    }
  }
  return Object.fromEntries(result);
}

function isObject(value: unknown): value is TwinProperties {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
