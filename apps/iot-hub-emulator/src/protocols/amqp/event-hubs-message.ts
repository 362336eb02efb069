import type { PartitionEvent } from '../../hub/events/partition-event.js';
import { connectionAuthMethod } from '../../hub/messages/connection-auth-method.js';
import type { LastEnqueued } from '../../hub/messages/message-run.js';
import { AmqpWriter, amqpSymbol } from './amqp-writer.js';

/** Sections of a message. @see https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-messaging-v1.0-os.html#section-message-format */
const SECTION = {
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
} as const;

const SYMBOL = {
  sequenceNumber: amqpSymbol('x-opt-sequence-number'),
  offset: amqpSymbol('x-opt-offset'),
  enqueuedTime: amqpSymbol('x-opt-enqueued-time'),
  deviceId: amqpSymbol('iothub-connection-device-id'),
  moduleId: amqpSymbol('iothub-connection-module-id'),
  authMethod: amqpSymbol('iothub-connection-auth-method'),
  generationId: amqpSymbol('iothub-connection-auth-generation-id'),
  hubEnqueuedTime: amqpSymbol('iothub-enqueuedtime'),
  messageSource: amqpSymbol('iothub-message-source'),
  interfaceId: amqpSymbol('iothub-interface-id'),
  dataSchema: amqpSymbol('dt-dataschema'),
  subject: amqpSymbol('dt-subject'),
  lastSequenceNumber: amqpSymbol('last_enqueued_sequence_number'),
  lastOffset: amqpSymbol('last_enqueued_offset'),
  lastEnqueuedTime: amqpSymbol('last_enqueued_time_utc'),
  retrievalTime: amqpSymbol('runtime_info_retrieval_time_utc'),
} as const;

/** What a receiver that asks for it learns of the partition with each event. */
export interface RuntimeMetric extends LastEnqueued {
  readonly retrievedMs: number;
}

const writer = new AmqpWriter();

/**
 * An event as an AMQP message, with the annotations that IoT Hub gives it.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-messages-construct
 */
export function encodeEvent(event: PartitionEvent, metric?: RuntimeMetric): Buffer {
  writer.reset();
  if (metric !== undefined) writeMetric(metric);
  writeAnnotations(event);
  writeProperties(event);
  writeApplicationProperties(event);
  writer.section(SECTION.data);
  return writer.endWithBinary(event.body);
}

function writeMetric(metric: RuntimeMetric): void {
  writer.section(SECTION.deliveryAnnotations);
  writer.beginMap();
  writer.raw(SYMBOL.lastSequenceNumber).long(metric.sequenceNumber);
  writer.raw(SYMBOL.lastOffset).string(String(metric.offset));
  writer.raw(SYMBOL.lastEnqueuedTime).timestamp(metric.enqueuedMs);
  writer.raw(SYMBOL.retrievalTime).timestamp(metric.retrievedMs);
  writer.endMap(8);
}

function writeAnnotations(event: PartitionEvent): void {
  const { moduleId, systemProperties } = event;
  const { interfaceId, dataSchema, subject } = systemProperties;
  writer.section(SECTION.messageAnnotations);
  writer.beginMap();
  let entries = 6;
  writer.raw(SYMBOL.sequenceNumber).long(event.sequenceNumber);
  writer.raw(SYMBOL.offset).string(String(event.offset));
  writer.raw(SYMBOL.enqueuedTime).timestamp(event.enqueuedMs);
  writer.raw(SYMBOL.deviceId).string(event.deviceId);
  writer.raw(SYMBOL.hubEnqueuedTime).timestamp(event.enqueuedMs);
  writer.raw(SYMBOL.messageSource).string(event.source);
  const optional = (key: Buffer, value: string | undefined) => {
    if (value === undefined) return;
    writer.raw(key).string(value);
    entries += 1;
  };
  optional(SYMBOL.moduleId, moduleId);
  optional(SYMBOL.interfaceId, interfaceId);
  optional(SYMBOL.dataSchema, dataSchema);
  optional(SYMBOL.subject, subject);
  if (event.authScope !== '') {
    // An event of the hub has no sender that proved itself.
    optional(SYMBOL.authMethod, connectionAuthMethod(event));
    optional(SYMBOL.generationId, event.generationId);
  }
  writer.endMap(entries * 2);
}

/** Fields by their places in the list; those that nobody set at the end are left out. */
function writeProperties({ systemProperties }: PartitionEvent): void {
  const { messageId, userId, to, correlationId, contentType, contentEncoding, expiryTimeUtc } = systemProperties;
  const expiryMs = expiryTimeUtc === undefined ? Number.NaN : Date.parse(expiryTimeUtc);
  writer.section(SECTION.properties);
  writer.beginList();
  writer.optionalString(messageId);
  if (userId === undefined) writer.null();
  else writer.binary(Buffer.from(userId));
  writer.optionalString(to).null().null().optionalString(correlationId);
  writer.optionalSymbol(contentType).optionalSymbol(contentEncoding);
  if (Number.isNaN(expiryMs)) writer.endList(8);
  else writer.timestamp(expiryMs).endList(9);
}

function writeApplicationProperties({ properties, systemProperties }: PartitionEvent): void {
  const names = Object.keys(properties);
  const { creationTimeUtc } = systemProperties;
  if (names.length === 0 && creationTimeUtc === undefined) return;
  writer.section(SECTION.applicationProperties);
  writer.beginMap();
  for (const name of names) writer.string(name).string(properties[name] ?? '');
  if (creationTimeUtc !== undefined) writer.string('iothub-creation-time-utc').string(creationTimeUtc);
  writer.endMap((names.length + (creationTimeUtc === undefined ? 0 : 1)) * 2);
}
