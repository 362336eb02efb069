import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';

/**
 * Merges a patch into twin properties: null deletes, objects merge, anything else (arrays too) replaces.
 * Neither argument is changed. The patch's depth must have been checked.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-device-twins#back-end-operations
 */
export function mergeProperties(current: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map<string, JsonValue>(Object.entries(current));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) {
      merged.delete(name);
    } else if (isJsonObject(value)) {
      const existing = merged.get(name);
      merged.set(name, mergeProperties(isJsonObject(existing) ? existing : {}, value));
    } else {
      merged.set(name, value);
    }
  }
  // fromEntries defines own properties, so that a member called __proto__ is a member and nothing else.
  return Object.fromEntries(merged);
}
