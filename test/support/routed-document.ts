import { telemetryPartition } from '#libs/cosmos';

interface RoutedMessage {
  readonly deviceId?: string;
  readonly id: string;
  /** ISO 8601, UTC; its month decides the partition. */
  readonly enqueuedTime: string;
  readonly properties?: Record<string, string>;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly body?: string | number | null | Record<string, string | number>;
}

/** A document as IoT Hub's routing writes it into Cosmos DB. */
export function aRoutedDocument({
  deviceId = 'device001',
  id,
  enqueuedTime,
  properties = { kind: 'telemetry' },
  contentType = 'application/json',
  contentEncoding = 'utf-8',
  body = { cpu_percent: 12.5 },
}: RoutedMessage) {
  const date = new Date(enqueuedTime);
  return {
    id,
    partitionKey: telemetryPartition(deviceId, { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1 }),
    Properties: properties,
    SystemProperties: {
      'iothub-connection-device-id': deviceId,
      'iothub-connection-auth-method': '{"scope":"device","type":"sas","issuer":"iothub"}',
      'iothub-connection-auth-generation-id': '638000000000000000',
      'iothub-content-type': contentType,
      'iothub-content-encoding': contentEncoding,
      'iothub-enqueuedtime': enqueuedTime,
      'iothub-message-source': 'Telemetry',
    },
    'iothub-name': 'localhub',
    Body: body,
  };
}
