import { HubError } from '../../hub/errors/hub-errors.js';
import { isJsonObject } from '../../hub/json.js';
import { runQuery } from '../../hub/query/run-query.js';
import { requireService } from './caller.js';
import type { HttpRoute } from './http-route.js';
import { pageReply, pageRequest } from './page-headers.js';
import { readJson } from './request-body.js';

/** Queries over twins and jobs. @see https://learn.microsoft.com/rest/api/iothub/service/query/get-twins */
export const queryRoutes: readonly HttpRoute[] = [
  {
    method: 'POST',
    path: '/devices/query',
    async handle(call) {
      requireService(call, 'RegistryRead', 'ServiceConnect');
      const body = await readJson(call.request);
      const query = isJsonObject(body) ? body.query : undefined;
      if (typeof query !== 'string') throw new HubError('ArgumentInvalid', 'query must be a text.');
      return pageReply(await runQuery(call.hub, { query, ...pageRequest(call) }, call));
    },
  },
];
