import { changeTwin, getTwin } from '../../hub/twins/service-twin.js';
import type { TwinChangeMode } from '../../hub/twins/twin-change.js';
import type { Twin } from '../../hub/twins/twin-view.js';
import { identityOfPath, ifMatchOf, requireService } from './caller.js';
import type { HttpReply, HttpRoute } from './http-route.js';
import { readJson } from './request-body.js';

/** Twins as services read and change them. @see https://learn.microsoft.com/rest/api/iothub/service/devices/update-twin */
export const twinRoutes: readonly HttpRoute[] = [
  ...routesOf('/twins/:deviceId'),
  ...routesOf('/twins/:deviceId/modules/:moduleId'),
];

function routesOf(path: string): HttpRoute[] {
  return [
    {
      method: 'GET',
      path,
      handle(call) {
        requireService(call, 'ServiceConnect');
        return twinReply(getTwin(call.hub, identityOfPath(call)));
      },
    },
    changeRoute(path, 'PATCH', 'merge'),
    changeRoute(path, 'PUT', 'replace'),
  ];
}

function changeRoute(path: string, method: 'PATCH' | 'PUT', mode: TwinChangeMode): HttpRoute {
  return {
    method,
    path,
    async handle(call) {
      requireService(call, 'ServiceConnect');
      const body = await readJson(call.request);
      return twinReply(await changeTwin(call.hub, identityOfPath(call), body, { mode, ifMatch: ifMatchOf(call) }));
    },
  };
}

function twinReply(twin: Twin): HttpReply {
  return { status: 200, body: twin, headers: { etag: `"${twin.etag}"` } };
}
