import { HubError } from '../errors/hub-errors.js';

/** The refusal of a query the language does not allow. @param position zero-based offset in the query text. */
export const invalidQuery = (position: number, reason: string): HubError =>
  new HubError('ArgumentInvalid', `The query is invalid at character ${position + 1}: ${reason}`);
