import { isIP } from 'node:net';
import type { Hub } from '../hub.js';
import type { Identity } from '../identity.js';
import { percentDecode } from './sas-token.js';

/** Whether clients may call this hub by that name; a port in it does not matter, nor does case. */
export function isHostOfHub(hub: Hub, host: string): boolean {
  const name = host.toLowerCase();
  const bracketed = /^\[(.*)\](?::\d{1,5})?$/.exec(name)?.[1];
  return hub.hostNames.has(bracketed ?? (isIP(name) === 6 ? name : name.replace(/:\d{1,5}$/, '')));
}

/**
 * Why a token's resource does not cover a device or module; undefined when it does: it names this hub and the identity (of
 * a module, also its device), or, with `hubWide`, this hub alone.
 *
 * @param resource as it stands in the token, encoded.
 */
export function resourceProblem(
  hub: Hub,
  resource: string,
  identity: Identity,
  { hubWide }: { hubWide: boolean },
): string | undefined {
  const decoded = percentDecode(resource);
  if (decoded === undefined) return 'it is not percent-encoded';
  const [host = '', ...path] = decoded.split('/');
  if (!isHostOfHub(hub, host)) return `${quoted(host)} is no name of this hub`;
  const [collection, name, modules, module, ...rest] = withoutApiVersion(path);
  if (collection === undefined || (collection === '' && name === undefined)) {
    return hubWide ? undefined : 'it names the hub alone';
  }
  if (collection.toLowerCase() !== 'devices' || rest.length > 0) return 'it names no device';
  if (name === undefined) return hubWide ? undefined : 'it names no device';
  if (!isName(name, identity.deviceId)) return `it names device ${quoted(name)}`;
  if (modules === undefined) return undefined;
  if (modules.toLowerCase() !== 'modules' || module === undefined) return 'it names something else of the device';
  return identity.moduleId !== undefined && isName(module, identity.moduleId)
    ? undefined
    : `it names module ${quoted(module)} of the device`;
}

/** Whether a token's resource is this hub as a whole, as service clients send it. */
export function coversHub(hub: Hub, resource: string): boolean {
  const [host = '', ...path] = (percentDecode(resource) ?? '').split('/');
  return isHostOfHub(hub, host) && path.every((part) => part === '');
}

/**
 * Tools such as the extension for Visual Studio Code end the resource of a device's token so.
 *
 * @see https://learn.microsoft.com/azure/iot/iot-mqtt-connect-to-iot-hub#using-the-azure-iot-hub-extension-for-visual-studio-code
 */
const withoutApiVersion = (path: readonly string[]): readonly string[] =>
  path.length > 2 && path.at(-1)?.startsWith('api-version=') ? path.slice(0, -1) : path;

/** Some clients encode an id once more before they encode the whole resource. */
const isName = (text: string, id: string): boolean => text === id || percentDecode(text) === id;

/** Longest piece of a stranger's text that goes into the log. */
const QUOTED_LENGTH = 128;

/** The beginning of a stranger's text, for a reason in the log. Not for text that may be a secret. */
export const quoted = (text: string): string => JSON.stringify(text.slice(0, QUOTED_LENGTH));
