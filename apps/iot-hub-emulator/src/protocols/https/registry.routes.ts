import { HubError } from '../../hub/errors/hub-errors.js';
import { isJsonObject, type JsonObject } from '../../hub/json.js';
import { changeRegistryInBulk } from '../../hub/registry/bulk-registry.js';
import {
  createIdentity,
  deleteIdentity,
  getIdentity,
  listDevices,
  updateIdentity,
} from '../../hub/registry/identities.js';
import type { IdentityJson } from '../../hub/registry/identity-view.js';
import { deviceStatistics, serviceStatistics } from '../../hub/registry/statistics.js';
import { identityOfPath, ifMatchOf, param, requireService } from './caller.js';
import type { HttpCall, HttpReply, HttpRoute } from './http-route.js';
import { readJson } from './request-body.js';

/** A bulk request of 100 devices, each with tags and desired properties at their limits. */
const BULK_LIMIT_BYTES = 8 * 1024 * 1024;

/** The device registry. @see https://learn.microsoft.com/rest/api/iothub/service/devices */
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
    method: 'GET',
    path: '/devices/:deviceId',
    handle(call) {
      requireService(call, 'RegistryRead');
      return identityReply(getIdentity(call.hub, identityOfPath(call)));
    },
  },
  {
    method: 'PUT',
    path: '/devices/:deviceId',
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
    path: '/devices/:deviceId',
    async handle(call) {
      requireService(call, 'RegistryWrite');
      await deleteIdentity(call.hub, identityOfPath(call), ifMatchOf(call));
      return { status: 204 };
    },
  },
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

async function readIdentity(call: HttpCall): Promise<JsonObject> {
  const body = await readJson(call.request);
  if (!isJsonObject(body)) throw new HubError('ArgumentInvalid', 'A device must be a JSON object.');
  if (body.deviceId !== param(call, 'deviceId')) {
    throw new HubError('ArgumentInvalid', 'deviceId must be the one in the path.');
  }
  return body;
}

function identityReply(identity: IdentityJson): HttpReply {
  return { status: 200, body: identity, headers: { etag: `"${identity.etag}"` } };
}
