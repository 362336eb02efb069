import { createHash } from 'node:crypto';
import { utcText } from '../clock.js';
import type { JsonObject, JsonValue } from '../json.js';
import { connectionAuthMethod } from '../messages/connection-auth-method.js';
import type { LoggedMessage } from '../messages/hub-message.js';
import { readJsonBody } from '../messages/json-body.js';
import type { PartitionKeyTemplate } from './partition-key-template.js';

export interface DocumentOptions {
  readonly hubName: string;
  /** Tells this log from every other one, so that documents' ids do too. */
  readonly logId: string;
  readonly partitionKeyName: string;
  readonly partitionKey: PartitionKeyTemplate;
}

/** A document for a container, with its partition key. */
export interface CosmosDocument {
  readonly id: string;
  readonly partitionKey: string;
  readonly content: JsonObject;
  /** Why the body is base64, if it is. */
  readonly base64Because?: string;
}

/**
 * The document IoT Hub writes of a message. Its id follows from the message's place in the log: writing it again replaces
 * it by itself.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-endpoints#azure-cosmos-db-as-a-routing-endpoint
 */
export function toCosmosDocument(message: LoggedMessage, options: DocumentOptions): CosmosDocument {
  const { hubName, partitionKeyName } = options;
  const id = documentId(options.logId, message.sequenceNumber);
  const partitionKey = options.partitionKey({ hubName, deviceId: message.deviceId, enqueuedMs: message.enqueuedMs });
  const json = readJsonBody(message.body, message.systemProperties);
  const body: JsonValue = 'value' in json ? json.value : Buffer.from(message.body).toString('base64');
  const content: JsonObject = {
    id,
    [partitionKeyName]: partitionKey,
    Properties: message.properties,
    SystemProperties: systemProperties(message),
    'iothub-name': hubName,
    Body: body,
  };
  return { id, partitionKey, content, ...('reason' in json && { base64Because: json.reason }) };
}

/** In the form of a GUID, as IoT Hub's are. */
function documentId(logId: string, sequenceNumber: number): string {
  const hex = createHash('sha256').update(`${logId}/${sequenceNumber}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

function systemProperties(message: LoggedMessage): JsonObject {
  const { systemProperties: own, authScope, generationId } = message;
  const named: readonly (readonly [string, string | undefined])[] = [
    ['message-id', own.messageId],
    ['correlation-id', own.correlationId],
    ['user-id', own.userId],
    ['absolute-expiry-time', own.expiryTimeUtc],
    ['iothub-creation-time-utc', own.creationTimeUtc],
    ['iothub-interface-id', own.interfaceId],
    ['dt-dataschema', own.dataSchema],
    ['dt-subject', own.subject],
    ['iothub-connection-device-id', message.deviceId],
    ['iothub-connection-module-id', message.moduleId],
    ['iothub-connection-auth-method', authScope === '' ? undefined : connectionAuthMethod(message)],
    ['iothub-connection-auth-generation-id', authScope === '' ? undefined : generationId],
    ['iothub-content-type', own.contentType],
    ['iothub-content-encoding', own.contentEncoding],
    ['iothub-enqueuedtime', utcText(message.enqueuedMs)],
    ['iothub-message-source', message.source],
  ];
  return Object.fromEntries(named.filter((pair): pair is [string, string] => pair[1] !== undefined));
}
