import type { LoggedMessage } from '../src/hub/messages/hub-message.js';
import { START_MS } from './test-hub.js';

/** A message of the log: telemetry of device d1 in JSON, unless told otherwise. */
export const aLoggedMessage = (parts: Partial<LoggedMessage> = {}): LoggedMessage => ({
  sequenceNumber: 1,
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
