import { HubError } from '../errors/hub-errors.js';

/** A client that did not prove who it is. It learns no more than that; the log, why. */
export const unauthorized = (reason: string): HubError =>
  new HubError('IotHubUnauthorizedAccess', 'Unauthorized', { reason });
