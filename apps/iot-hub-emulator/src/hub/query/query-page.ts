import { HubError } from '../errors/hub-errors.js';
import type { JsonObject } from '../json.js';
import { MAX_PAGE_ITEMS } from './query-limits.js';

/** Which page of a result a caller asks for. */
export interface PageRequest {
  /** Most rows in this page, from 1; more than 1000 is taken as 1000. */
  readonly maxItemCount: number;
  /** As the last page gave it; not yet checked. */
  readonly continuation?: string;
}

/** What a caller of the query language asks for. */
export interface QueryRequest extends PageRequest {
  /** The query's text, not yet checked. */
  readonly query: string;
}

/** One page of a result. */
export interface QueryPage {
  readonly items: readonly JsonObject[];
  /**
   * `Twin` for whole twins (`SELECT *`), `DeviceJob` for the parts of jobs, `JobResponse` for jobs, `Raw` for projections
   * and aggregates.
   */
  readonly itemType: 'Twin' | 'DeviceJob' | 'JobResponse' | 'Raw';
  /** Asks for the next page; absent on the last one. */
  readonly continuation?: string;
}

/** Most rows of this page. @throws {@link HubError} `ArgumentInvalid`. */
export function pageSize({ maxItemCount }: PageRequest): number {
  if (!Number.isSafeInteger(maxItemCount) || maxItemCount < 1) {
    throw new HubError('ArgumentInvalid', 'The page size must be a whole number from 1.');
  }
  return Math.min(maxItemCount, MAX_PAGE_ITEMS);
}
