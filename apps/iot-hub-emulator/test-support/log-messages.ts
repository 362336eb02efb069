import type { HubMessage, LoggedMessage } from '../src/hub/messages/hub-message.js';
import { START_MS } from './test-hub.js';

/** Telemetry of device d1 in JSON, unless told otherwise. */
export const aHubMessage = (parts: Partial<HubMessage> = {}): HubMessage => ({
  source: 'Telemetry',
  deviceId: 'd1',
  generationId: '7',
  authScope: 'device',
  authType: 'sas',
  enqueuedMs: START_MS,
  systemProperties: { contentType: 'application/json', contentEncoding: 'utf-8' },
  properties: {},
  body: Buffer.from('{"level":1}'),
  ...parts,
});

/** The same as a message of the log. */
export const aLoggedMessage = ({ sequenceNumber = 1, ...parts }: Partial<LoggedMessage> = {}): LoggedMessage => ({
  sequenceNumber,
  ...aHubMessage(parts),
});
