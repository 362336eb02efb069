import { HubError } from '../../hub/errors/hub-errors.js';
import { isJsonObject } from '../../hub/json.js';
import { runQuery } from '../../hub/query/run-query.js';
import { header, requireService } from './caller.js';
import type { HttpCall, HttpRoute } from './http-route.js';
import { readJson } from './request-body.js';

const DEFAULT_PAGE_ITEMS = 100;

/** Twin queries. @see https://learn.microsoft.com/rest/api/iothub/service/query/get-twins */
export const queryRoutes: readonly HttpRoute[] = [
  {
    method: 'POST',
    path: '/devices/query',
    async handle(call) {
      requireService(call, 'RegistryRead', 'ServiceConnect');
      const body = await readJson(call.request);
      const query = isJsonObject(body) ? body.query : undefined;
      if (typeof query !== 'string') throw new HubError('ArgumentInvalid', 'query must be a text.');
      const continuation = header(call, 'x-ms-continuation');
      const page = runQuery(call.hub, {
        query,
        maxItemCount: pageSize(call),
        ...(continuation === undefined ? {} : { continuation }),
      });
      return {
        status: 200,
        body: page.items,
        headers: {
          'x-ms-item-type': page.itemType,
          // Absent on the last page: clients stop at its absence.
          ...(page.continuation === undefined ? {} : { 'x-ms-continuation': page.continuation }),
        },
      };
    },
  },
];

function pageSize(call: HttpCall): number {
  const text = header(call, 'x-ms-max-item-count');
  if (text === undefined) return DEFAULT_PAGE_ITEMS;
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) {
    throw new HubError('ArgumentInvalid', 'x-ms-max-item-count must be a whole number from 1.');
  }
  return Number(text);
}
