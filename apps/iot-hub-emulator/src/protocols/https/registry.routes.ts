import { HubError } from '../../hub/errors/hub-errors.js';
import { identityOf } from '../../hub/identity.js';
import { isJsonObject, type JsonObject } from '../../hub/json.js';
import { changeRegistryInBulk } from '../../hub/registry/bulk-registry.js';
import {
  createIdentity,
  deleteIdentity,
  getIdentity,
  listDevices,
  listModules,
  updateIdentity,
} from '../../hub/registry/identities.js';
import type { IdentityJson } from '../../hub/registry/identity-view.js';
import { regenerateKeys } from '../../hub/registry/regenerate-keys.js';
import { deviceStatistics, serviceStatistics } from '../../hub/registry/statistics.js';
import { identityOfPath, ifMatchOf, param, requireService } from './caller.js';
import type { HttpCall, HttpReply, HttpRoute } from './http-route.js';
import { readJson } from './request-body.js';

/** A bulk request of 100 devices, each with tags and desired properties at their limits. */
const BULK_LIMIT_BYTES = 8 * 1024 * 1024;

/**
 * The registry of devices and modules.
 *
 * @see https://learn.microsoft.com/rest/api/iothub/service/devices
 * @see https://learn.microsoft.com/rest/api/iothub/service/modules
 */
export const registryRoutes: readonly HttpRoute[] = [
  {
    method: 'GET',
    path: '/devices',
    handle(call) {
      requireService(call, 'RegistryRead');
      const top = call.query.get('top');
      return { status: 200, body: listDevices(call.hub, top === null ? undefined : Number(top)) };
    },
  },
  {
    method: 'POST',
    path: '/devices',
    async handle(call) {
      requireService(call, 'RegistryWrite');
      const result = await changeRegistryInBulk(call.hub, await readJson(call.request, BULK_LIMIT_BYTES));
      return { status: result.isSuccessful ? 200 : 400, body: result };
    },
  },
  {
    // Not in the REST reference: as `az iot hub device-identity renew-key` asks for it.
    method: 'POST',
    path: '/devices/keys/regenerate',
    async handle(call) {
      requireService(call, 'RegistryWrite');
      const result = await regenerateKeys(call.hub, await readJson(call.request));
      const { rotatedKeys, errors } = result;
      return { status: errors.length === 0 ? 200 : rotatedKeys.length === 0 ? 400 : 207, body: result };
    },
  },
  {
    method: 'GET',
    path: '/devices/:deviceId/modules',
    handle(call) {
      requireService(call, 'RegistryRead');
      return { status: 200, body: listModules(call.hub, param(call, 'deviceId')) };
    },
  },
  ...identityRoutes('/devices/:deviceId'),
  ...identityRoutes('/devices/:deviceId/modules/:moduleId'),
  {
    method: 'GET',
    path: '/statistics/devices',
    handle(call) {
      requireService(call, 'RegistryRead');
      return { status: 200, body: deviceStatistics(call.hub) };
    },
  },
  {
    method: 'GET',
    path: '/statistics/service',
    handle(call) {
      requireService(call, 'RegistryRead', 'ServiceConnect');
      return { status: 200, body: serviceStatistics(call.hub) };
    },
  },
];

/** Reading, writing and removing one device or module. */
function identityRoutes(path: string): HttpRoute[] {
  return [
    {
      method: 'GET',
      path,
      handle(call) {
        requireService(call, 'RegistryRead');
        return identityReply(getIdentity(call.hub, identityOfPath(call)));
      },
    },
    {
      method: 'PUT',
      path,
      async handle(call) {
        requireService(call, 'RegistryWrite');
        const identity = await readIdentity(call);
        const ifMatch = ifMatchOf(call);
        // Without If-Match a PUT creates; with it, it updates.
        return identityReply(
          ifMatch === undefined
            ? await createIdentity(call.hub, identity)
            : await updateIdentity(call.hub, identity, ifMatch),
        );
      },
    },
    {
      method: 'DELETE',
      path,
      async handle(call) {
        requireService(call, 'RegistryWrite');
        await deleteIdentity(call.hub, identityOfPath(call), ifMatchOf(call));
        return { status: 204 };
      },
    },
  ];
}

async function readIdentity(call: HttpCall): Promise<JsonObject> {
  const body = await readJson(call.request);
  if (!isJsonObject(body)) throw new HubError('ArgumentInvalid', 'An identity must be a JSON object.');
  const { deviceId, moduleId } = identityOfPath(call);
  if (body.deviceId !== deviceId) throw new HubError('ArgumentInvalid', 'deviceId must be the one in the path.');
  if ((body.moduleId ?? undefined) !== moduleId) {
    throw new HubError('ArgumentInvalid', 'moduleId must be the one in the path.');
  }
  return { ...body, ...identityOf({ deviceId, moduleId }) };
}

function identityReply(identity: IdentityJson): HttpReply {
  return { status: 200, body: identity, headers: { etag: `"${identity.etag}"` } };
}
