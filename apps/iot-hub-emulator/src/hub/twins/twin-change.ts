import { HubError } from '../errors/hub-errors.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { checkProperties, type TwinSection } from './twin-limits.js';

/** How a service changes a twin: `merge` is a patch, `replace` sets tags and desired properties anew. */
export type TwinChangeMode = 'merge' | 'replace';

/**
 * Tags and desired properties out of a request; a section that is absent stays as it is, or is emptied by `replace`. One that
 * is null loses all its members, as a member that is null is lost.
 *
 * @see https://github.com/Azure/azure-iot-sdk-node/blob/main/e2etests/test/twin_e2e_tests.js
 */
export interface TwinChange {
  readonly tags?: JsonObject | null;
  readonly desired?: JsonObject | null;
}

/** A change of a section as a patch of what it holds. */
export const patchOf = (change: JsonObject | null, current: JsonObject): JsonObject =>
  change ?? Object.fromEntries(Object.keys(current).map((name) => [name, null]));

/**
 * Takes the sections a service may change out of a twin-shaped body and checks them.
 *
 * @throws {@link HubError} `ArgumentInvalid`.
 */
export function readTwinChange(body: unknown, mode: TwinChangeMode): TwinChange {
  if (!isJsonObject(body)) throw new HubError('ArgumentInvalid', 'A twin must be a JSON object.');
  const properties = body.properties ?? {};
  if (!isJsonObject(properties)) throw new HubError('ArgumentInvalid', 'properties must be a JSON object.');
  const tags = readSection('tags', body.tags, mode);
  const desired = readSection('desired', properties.desired, mode);
  return { ...(tags === undefined ? {} : { tags }), ...(desired === undefined ? {} : { desired }) };
}

const HUB_MEMBERS: ReadonlySet<string> = new Set(['$metadata', '$version']);

function readSection(section: TwinSection, value: unknown, mode: TwinChangeMode): JsonObject | null | undefined {
  if (mode === 'replace' && (value === undefined || value === null)) return {};
  if (value === undefined || value === null) return value;
  if (!isJsonObject(value)) throw new HubError('ArgumentInvalid', `${section} must be a JSON object.`);
  // A twin read earlier and sent back carries them; they are the hub's own.
  const own = Object.fromEntries(Object.entries(value).filter(([name]) => !HUB_MEMBERS.has(name)));
  checkProperties(section, own);
  return own;
}
