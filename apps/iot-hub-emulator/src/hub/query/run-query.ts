import type { Hub } from '../hub.js';
import type { JsonObject } from '../json.js';

/** One page of a query's results. */
export interface QueryPage {
  readonly items: JsonObject[];
  /** For header `x-ms-item-type`: twins of `SELECT *`, or rows of projected or aggregated values. */
  readonly itemType: 'Twin' | 'Raw';
  /** For header `x-ms-continuation`. Absent on the last page. */
  readonly continuation?: string;
}

export interface QueryRequest {
  readonly query: string;
  /** Most items in this page, 1 to 1000 (larger is taken as 1000). Default 1000. */
  readonly pageSize?: number;
  /** The `continuation` of the page before. */
  readonly continuation?: string;
}

/**
 * A page of the results of a query in IoT Hub's query language, in the order of device ids.
 *
 * @throws {@link HubError} ArgumentInvalid (400) for what the language does not have, NotImplemented (501) for a
 * collection other than `devices`.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-query-language
 */
export function runQuery(hub: Hub, request: QueryRequest): QueryPage {
  throw new Error('not written yet');
}
