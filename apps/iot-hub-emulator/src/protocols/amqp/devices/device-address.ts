import type { BareIdentity } from '../../../hub/identity.js';
import { HubError } from '../../../hub/errors/hub-errors.js';
import type { LinkRequest } from '../link-routes.js';

/** The addresses of a device's and of a module's node, for example with `/twin`. */
export const deviceAddresses = (node: string): readonly string[] => [
  `/devices/:deviceId${node}`,
  `/devices/:deviceId/modules/:moduleId${node}`,
];

/** Whom an address made by {@link deviceAddresses} names. */
export function identityIn({ params: { deviceId, moduleId } }: LinkRequest): BareIdentity {
  if (deviceId === undefined) throw new HubError('ArgumentInvalid', 'The address names no device.');
  return moduleId === undefined ? { deviceId } : { deviceId, moduleId };
}
