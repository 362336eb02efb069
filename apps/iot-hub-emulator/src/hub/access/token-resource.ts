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
 * Whether a token's resource covers a device or module: names this hub and it (of a module, also its device), or, with
 * `hubWide`, this hub alone.
 *
 * @param resource as it stands in the token, encoded.
 */
export function coversIdentity(
  hub: Hub,
  resource: string,
  { deviceId, moduleId }: Identity,
  { hubWide }: { hubWide: boolean },
): boolean {
  const [host = '', ...path] = (percentDecode(resource) ?? '').split('/');
  if (!isHostOfHub(hub, host)) return false;
  const [collection, name, modules, module, ...rest] = path;
  if (collection === undefined || (collection === '' && name === undefined)) return hubWide;
  if (collection.toLowerCase() !== 'devices' || rest.length > 0) return false;
  if (name === undefined) return hubWide;
  if (!isName(name, deviceId)) return false;
  if (modules === undefined) return true;
  return modules.toLowerCase() === 'modules' && moduleId !== undefined && isName(module, moduleId);
}

/** Some clients encode an id once more before they encode the whole resource. */
const isName = (text: string | undefined, id: string): boolean => text === id || percentDecode(text) === id;

/** Whether a token's resource is this hub as a whole, as service clients send it. */
export function coversHub(hub: Hub, resource: string): boolean {
  const [host = '', ...path] = (percentDecode(resource) ?? '').split('/');
  return isHostOfHub(hub, host) && path.every((part) => part === '');
}
