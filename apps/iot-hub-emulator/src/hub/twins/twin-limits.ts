import { HubError } from '../errors/hub-errors.js';
import type { JsonObject, JsonValue } from '../json.js';

/** A part of the twin. */
export type TwinSection = 'tags' | 'desired' | 'reported';

/** Largest size of each part. @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling */
const MAX_SECTION_BYTES: Readonly<Record<TwinSection, number>> = {
  tags: 8 * 1024,
  desired: 32 * 1024,
  reported: 32 * 1024,
};
/** Objects within each other below a section, which is not counted itself. */
const MAX_DEPTH = 10;
const MAX_KEY_BYTES = 1024;
const MAX_STRING_BYTES = 4096;
const MIN_INTEGER = -4503599627370496;
const MAX_INTEGER = 4503599627370495;
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const FORBIDDEN_IN_KEY = /[\u0000-\u0020\u007f-\u009f.$]/;
// eslint-disable-next-line no-control-regex -- the same
const CONTROL_CHARACTERS = /[\u0000-\u001f\u0080-\u009f]/g;

/**
 * Checks names, depth and text lengths of properties or a patch of them.
 *
 * @throws {@link HubError} `ArgumentInvalid`, naming the path.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-device-twins#tags-and-properties-format
 */
export function checkProperties(section: TwinSection, properties: JsonObject): void {
  checkObject(properties, { path: section, depth: 0, inArray: false });
}

/** Checks the size of a whole section. @throws {@link HubError} `ArgumentInvalid`. */
export function checkSectionSize(section: TwinSection, properties: JsonObject): void {
  const limit = MAX_SECTION_BYTES[section];
  const size = sizeBytes(properties);
  if (size > limit) throw invalid(`${section} would have ${size} bytes; the limit is ${limit}.`);
}

interface Place {
  readonly path: string;
  readonly depth: number;
  /** An array is replaced whole, so a null within it could delete nothing: the hub takes none there. */
  readonly inArray: boolean;
}

function checkObject(properties: JsonObject, place: Place): void {
  const { path, depth } = place;
  if (depth > MAX_DEPTH) throw invalid(`${path} is nested deeper than ${MAX_DEPTH} levels.`);
  for (const [name, value] of Object.entries(properties)) {
    if (name === '' || FORBIDDEN_IN_KEY.test(name)) {
      throw invalid(`${path} has a name that is empty or holds a space, a control character, '.' or '$'.`);
    }
    if (Buffer.byteLength(name) > MAX_KEY_BYTES) {
      throw invalid(`${path} has a name longer than ${MAX_KEY_BYTES} bytes.`);
    }
    checkValue(value, { ...place, path: `${path}.${name}` });
  }
}

function checkValue(value: JsonValue, place: Place): void {
  const { path, depth, inArray } = place;
  if (value === null) {
    if (inArray) throw invalid(`${path} is an array that holds a null.`);
  } else if (typeof value === 'string') {
    if (Buffer.byteLength(value) > MAX_STRING_BYTES) throw invalid(`${path} is longer than ${MAX_STRING_BYTES} bytes.`);
  } else if (typeof value === 'number') {
    if (Number.isInteger(value) && (value < MIN_INTEGER || value > MAX_INTEGER)) {
      throw invalid(`${path} is an integer beyond ${MIN_INTEGER} to ${MAX_INTEGER}.`);
    }
  } else if (Array.isArray(value)) {
    if (depth >= MAX_DEPTH) throw invalid(`${path} is nested deeper than ${MAX_DEPTH} levels.`);
    for (const item of value) checkValue(item, { path, depth: depth + 1, inArray: true });
  } else if (typeof value === 'object') {
    checkObject(value, { ...place, depth: depth + 1 });
  }
}

/** Names and texts count their UTF-8 length without control characters, numbers 8, booleans 4, nesting nothing. */
function sizeBytes(value: JsonValue): number {
  if (typeof value === 'string') return Buffer.byteLength(value.replace(CONTROL_CHARACTERS, ''));
  if (typeof value === 'number') return 8;
  if (typeof value === 'boolean') return 4;
  if (value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + sizeBytes(item), 0);
  return Object.entries(value).reduce((sum, [name, item]) => sum + Buffer.byteLength(name) + sizeBytes(item), 0);
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message);
}
