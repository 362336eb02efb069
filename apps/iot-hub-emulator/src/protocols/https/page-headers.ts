import { HubError } from '../../hub/errors/hub-errors.js';
import type { PageRequest, QueryPage } from '../../hub/query/query-page.js';
import { header } from './caller.js';
import type { HttpCall, HttpReply } from './http-route.js';

const DEFAULT_PAGE_ITEMS = 100;

/** Which page the headers ask for. @throws {@link HubError} `ArgumentInvalid`. */
export function pageRequest(call: HttpCall): PageRequest {
  const continuation = header(call, 'x-ms-continuation');
  return { maxItemCount: maxItemCount(call), ...(continuation === undefined ? {} : { continuation }) };
}

function maxItemCount(call: HttpCall): number {
  const text = header(call, 'x-ms-max-item-count');
  if (text === undefined) return DEFAULT_PAGE_ITEMS;
  if (!/^-?\d{1,9}$/.test(text)) throw new HubError('ArgumentInvalid', 'x-ms-max-item-count must be a whole number.');
  // "The service may use a different value if the value specified is not acceptable."
  return Number(text) < 1 ? DEFAULT_PAGE_ITEMS : Number(text);
}

/** A page as IoT Hub sends it. */
export const pageReply = ({ items, itemType, continuation }: QueryPage): HttpReply => ({
  status: 200,
  body: items,
  headers: {
    'x-ms-item-type': itemType,
    // Absent on the last page: clients stop at its absence.
    ...(continuation === undefined ? {} : { 'x-ms-continuation': continuation }),
  },
});
