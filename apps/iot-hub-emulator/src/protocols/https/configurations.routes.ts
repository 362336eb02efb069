import { testConfigurationQueries } from '../../hub/configurations/configuration-queries.js';
import type { Configuration } from '../../hub/configurations/configuration-view.js';
import {
  applyConfigurationContent,
  createConfiguration,
  deleteConfiguration,
  getConfiguration,
  listConfigurations,
  updateConfiguration,
} from '../../hub/configurations/configurations.js';
import { ifMatchOf, param, requireService } from './caller.js';
import type { HttpReply, HttpRoute } from './http-route.js';
import { readJson } from './request-body.js';

/** Automatic device configurations. @see https://learn.microsoft.com/rest/api/iothub/service/configuration */
export const configurationRoutes: readonly HttpRoute[] = [
  {
    method: 'GET',
    path: '/configurations',
    async handle(call) {
      requireService(call, 'RegistryRead');
      const top = call.query.get('top');
      return { status: 200, body: await listConfigurations(call.hub, top === null ? undefined : Number(top)) };
    },
  },
  {
    method: 'POST',
    path: '/configurations/testQueries',
    async handle(call) {
      requireService(call, 'RegistryRead');
      return { status: 200, body: testConfigurationQueries(await readJson(call.request)) };
    },
  },
  {
    method: 'GET',
    path: '/configurations/:id',
    handle(call) {
      requireService(call, 'RegistryRead');
      return configurationReply(200, getConfiguration(call.hub, param(call, 'id')));
    },
  },
  {
    method: 'PUT',
    path: '/configurations/:id',
    async handle(call) {
      requireService(call, 'RegistryWrite');
      const body = await readJson(call.request);
      const id = param(call, 'id');
      const ifMatch = ifMatchOf(call);
      // Without If-Match a PUT creates; with it, it updates.
      return ifMatch === undefined
        ? configurationReply(201, await createConfiguration(call.hub, id, body))
        : configurationReply(200, await updateConfiguration(call.hub, id, body, ifMatch));
    },
  },
  {
    method: 'DELETE',
    path: '/configurations/:id',
    async handle(call) {
      requireService(call, 'RegistryWrite');
      await deleteConfiguration(call.hub, param(call, 'id'), ifMatchOf(call));
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: '/devices/:deviceId/applyConfigurationContent',
    async handle(call) {
      requireService(call, 'RegistryWrite', 'ServiceConnect');
      return applyConfigurationContent(call.hub, param(call, 'deviceId'), await readJson(call.request));
    },
  },
];

const configurationReply = (status: number, configuration: Configuration): HttpReply => ({
  status,
  body: configuration,
  headers: { etag: `"${configuration.etag}"` },
});
