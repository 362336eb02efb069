import type { JsonObject } from '../json.js';

/** What a caller of the twin query asks for. */
export interface QueryRequest {
  /** The query's text, not yet checked. */
  readonly query: string;
  /** Most rows in this page, from 1; more than 1000 is taken as 1000. */
  readonly maxItemCount: number;
  /** As the last page gave it; not yet checked. */
  readonly continuation?: string;
}

/** One page of a query's result. */
export interface QueryPage {
  readonly items: readonly JsonObject[];
  /** `Twin` for whole twins (`SELECT *`), `Raw` for projections and aggregates. */
  readonly itemType: 'Twin' | 'Raw';
  /** Asks for the next page; absent on the last one. */
  readonly continuation?: string;
}
