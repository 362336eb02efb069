import { invokeMethod } from '../../hub/methods/invoke-method.js';
import { identityOfPath, requireService } from './caller.js';
import type { HttpRoute } from './http-route.js';
import { readJson } from './request-body.js';

/** Direct methods. @see https://learn.microsoft.com/rest/api/iothub/service/devices/invoke-method */
export const methodRoutes: readonly HttpRoute[] = [
  methodRoute('/twins/:deviceId/methods'),
  methodRoute('/twins/:deviceId/modules/:moduleId/methods'),
];

function methodRoute(path: string): HttpRoute {
  return {
    method: 'POST',
    path,
    errors: 'nested',
    async handle(call) {
      requireService(call, 'ServiceConnect');
      const body = await readJson(call.request);
      return { status: 200, body: await invokeMethod(call.hub, identityOfPath(call), body, call.signal) };
    },
  };
}
