import { changeTwin, getTwin } from '../../hub/twins/service-twin.js';
import type { TwinChangeMode } from '../../hub/twins/twin-change.js';
import type { Twin } from '../../hub/twins/twin-view.js';
import { identityOfPath, ifMatchOf, requireService } from './caller.js';
import type { HttpReply, HttpRoute } from './http-route.js';
import { readJson } from './request-body.js';

/** Twins as services read and change them. @see https://learn.microsoft.com/rest/api/iothub/service/devices/update-twin */
export const twinRoutes: readonly HttpRoute[] = [
  {
    method: 'GET',
    path: '/twins/:deviceId',
    handle(call) {
      requireService(call, 'ServiceConnect');
      return twinReply(getTwin(call.hub, identityOfPath(call)));
    },
  },
  changeRoute('PATCH', 'merge'),
  changeRoute('PUT', 'replace'),
];

function changeRoute(method: 'PATCH' | 'PUT', mode: TwinChangeMode): HttpRoute {
  return {
    method,
    path: '/twins/:deviceId',
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
