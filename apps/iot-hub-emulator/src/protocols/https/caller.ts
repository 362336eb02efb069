import { authenticateDevice } from '../../hub/access/authenticate-device.js';
import { authorizeService } from '../../hub/access/authorize-service.js';
import type { DeviceIdentity } from '../../hub/access/device-identity.js';
import type { AccessRight } from '../../hub/access/shared-access-policy.js';
import { HubError } from '../../hub/errors/hub-errors.js';
import { identityOf, type Identity } from '../../hub/identity.js';
import { clientCertificatesOf } from '../client-certificates.js';
import { markProven } from '../connection-caps.js';
import type { HttpCall } from './http-route.js';

/** A segment of the route's path. */
export function param({ params }: HttpCall, name: string): string {
  const value = params[name];
  if (value === undefined) throw new HubError('ServerError', `The route has no segment ${name}.`);
  return value;
}

/** The device or module that the path names. */
export const identityOfPath = (call: HttpCall): Identity =>
  identityOf({ deviceId: param(call, 'deviceId'), moduleId: call.params.moduleId });

/** Lets a service in that has one of the rights. @throws {@link HubError} `IotHubUnauthorizedAccess`. */
export function requireService(call: HttpCall, ...rights: AccessRight[]): void {
  const identity = call.params.deviceId === undefined ? undefined : identityOfPath(call);
  authorizeService(call.hub, call.request.headers.authorization, { rights, identity });
  markProven(call.request.socket);
}

/** The device or module of the path, proven. @throws {@link HubError} `IotHubUnauthorizedAccess`, `DeviceDisabled`. */
export function requireDeviceCaller(call: HttpCall): DeviceIdentity {
  const device = authenticateDevice(call.hub, identityOfPath(call), {
    token: call.request.headers.authorization,
    certificates: clientCertificatesOf(call.request.socket),
  });
  markProven(call.request.socket);
  return device;
}

/** The If-Match header, or undefined when there is none. */
export const ifMatchOf = ({ request }: HttpCall): string | undefined => request.headers['if-match'];

/** A header as one text; several of the same name are an error the client made. */
export function header({ request }: HttpCall, name: string): string | undefined {
  const value = request.headers[name];
  if (Array.isArray(value)) throw new HubError('ArgumentInvalid', `Header ${name} is given more than once.`);
  return value === '' ? undefined : value;
}
