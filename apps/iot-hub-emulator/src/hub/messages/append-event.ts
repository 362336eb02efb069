import { randomUUID } from 'node:crypto';
import type { IdentityRow } from '../../storage/identity-row.js';
import { utcText } from '../clock.js';
import type { Hub } from '../hub.js';
import { identityOfRow } from '../identity.js';
import type { JsonObject } from '../json.js';
import { appendToLog } from './message-log.js';
import type { MessageSource } from './message-source.js';

/** What an event's messages need of the hub. */
export type EventHub = Pick<Hub, 'name' | 'store' | 'clock' | 'routing' | 'log' | 'metrics'>;

const SCHEMAS = {
  twinChangeEvents: 'twinChangeNotification',
  deviceLifecycleEvents: 'deviceLifecycleNotification',
  moduleLifecycleEvents: 'moduleLifecycleNotification',
  deviceConnectionStateEvents: 'deviceConnectionStateNotification',
} as const satisfies Record<Exclude<MessageSource, 'Telemetry'>, string>;

/** Something that happened to a device or module. */
export interface DeviceEvent {
  readonly source: keyof typeof SCHEMAS;
  readonly opType:
    | 'updateTwin'
    | 'replaceTwin'
    | 'createDeviceIdentity'
    | 'deleteDeviceIdentity'
    | 'createModuleIdentity'
    | 'deleteModuleIdentity'
    | 'deviceConnected'
    | 'deviceDisconnected';
  readonly subject: Pick<IdentityRow, 'device_id' | 'module_id' | 'generation_id'>;
  /** Called only if a route may take the event. */
  readonly body: () => JsonObject;
}

/**
 * Appends an event to the log. For use within the write that changes what the event speaks of: both or neither.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-non-telemetry-event-schema
 */
export function appendEvent(hub: EventHub, { source, opType, subject, body }: DeviceEvent): void {
  if (!hub.routing.takes(source)) return;
  const enqueuedMs = hub.clock.nowMs();
  appendToLog(hub, {
    source,
    ...identityOfRow(subject),
    generationId: subject.generation_id,
    authScope: '',
    authType: 'sas',
    enqueuedMs,
    systemProperties: {
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      correlationId: randomUUID(),
      userId: hub.name,
    },
    properties: {
      hubName: hub.name,
      ...identityOfRow(subject),
      operationTimestamp: utcText(enqueuedMs),
      'iothub-message-schema': SCHEMAS[source],
      opType,
    },
    body: Buffer.from(JSON.stringify(body())),
  });
  hub.metrics.messages.add(source, 'hub');
}
