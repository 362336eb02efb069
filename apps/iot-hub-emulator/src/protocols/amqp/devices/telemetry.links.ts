import { message as rheaMessage } from 'rhea';
import { HubError } from '../../../hub/errors/hub-errors.js';
import { appendMessages } from '../../../hub/messages/append-messages.js';
import { MAX_MESSAGE_BYTES } from '../../../hub/messages/message-size.js';
import type { DeviceMessage, MessageSystemProperties } from '../../../hub/messages/device-message.js';
import { type AmqpMessage, bodyBytes, dataSections, propertiesOf, textOf } from '../amqp-message.js';
import type { IncomingLinkRoute } from '../link-routes.js';
import { deviceAddresses, identityIn } from './device-address.js';
import { DeviceSession } from './device-session.js';

/** What AMQP's encoding, and names the hub does not count, may add to a message of the longest length. */
const ENCODING_BYTES = 64 * 1024;

/** Application properties by which the SDKs give what other protocols have system properties for. */
const SYSTEM_PROPERTIES: Readonly<Record<string, keyof MessageSystemProperties>> = {
  'iothub-creation-time-utc': 'creationTimeUtc',
  'iothub-outputname': 'outputName',
};

/**
 * Where devices and modules send messages. Each is accepted once it is on disk, a batch as a whole.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support#device-client
 */
export const telemetryRoutes: readonly IncomingLinkRoute[] = deviceAddresses('/messages/events').map((address) => ({
  direction: 'from-client',
  address,
  open(request) {
    const { hub } = request;
    const device = request.authority.requireDevice(identityIn(request));
    const session = DeviceSession.join(request, device);
    const append = async (messages: readonly DeviceMessage[]) => {
      await appendMessages(hub, device, messages.map(withModelOf(session)));
      hub.metrics.messages.addMany(messages.length, 'Telemetry', 'amqp');
    };
    return {
      maxMessageBytes: MAX_MESSAGE_BYTES + ENCODING_BYTES,
      message: (message) => append([toDeviceMessage(message)]),
      batch: (bytes) => append(messagesOfBatch(bytes)),
      closed() {
        session.leave(request);
      },
    };
  },
}));

const withModelOf =
  ({ modelId }: DeviceSession) =>
  (message: DeviceMessage): DeviceMessage =>
    modelId === undefined
      ? message
      : { ...message, systemProperties: { ...message.systemProperties, dataSchema: modelId } };

/** A batch is a message whose data sections are messages themselves. */
function messagesOfBatch(bytes: Buffer): DeviceMessage[] {
  const sections = dataSections(decode(bytes));
  if (sections === undefined || sections.length === 0) throw new HubError('IotHubFormatError', 'The batch is empty.');
  return sections.map((section) => toDeviceMessage(decode(section)));
}

function decode(bytes: Buffer): AmqpMessage {
  try {
    return rheaMessage.decode(bytes) as unknown as AmqpMessage;
  } catch (cause) {
    throw new HubError('IotHubFormatError', 'The batch is not a list of AMQP messages.', { cause });
  }
}

function toDeviceMessage(message: AmqpMessage): DeviceMessage {
  const body = bodyBytes(message);
  if (body === undefined) throw new HubError('IotHubFormatError', 'The body of the message must be data.');
  const annotations = message.message_annotations ?? {};
  const systemProperties: Partial<Record<keyof MessageSystemProperties, string | undefined>> = {
    ...propertiesOf(message),
    interfaceId: textOf(annotations['iothub-interface-id']),
    subject: textOf(annotations['dt-subject']),
  };
  const properties: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.application_properties ?? {})) {
    const text = value === null ? '' : textOf(value);
    if (text === undefined) throw new HubError('IotHubFormatError', `Property ${name} is not a simple value.`);
    const systemProperty = Object.hasOwn(SYSTEM_PROPERTIES, name) ? SYSTEM_PROPERTIES[name] : undefined;
    if (systemProperty) systemProperties[systemProperty] = text;
    else properties[name] = text;
  }
  const given = Object.entries(systemProperties).filter(([, value]) => value !== undefined);
  return { body, properties, systemProperties: Object.fromEntries(given) };
}
