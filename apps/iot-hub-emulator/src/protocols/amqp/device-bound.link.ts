import type {
  DeviceBoundMessage,
  DeviceBoundProperties,
  FeedbackMode,
} from '../../hub/cloud-to-device/device-bound-message.js';
import { MAX_DEVICE_BOUND_BYTES, sendToDevice } from '../../hub/cloud-to-device/send-to-device.js';
import { HubError } from '../../hub/errors/hub-errors.js';
import { notImplemented } from '../../hub/errors/not-implemented.js';
import type { Hub } from '../../hub/hub.js';
import { type AmqpMessage, bodyBytes, propertiesOf, textOf } from './amqp-message.js';
import { addressSegments, matchAddress } from './link-address.js';
import type { IncomingLinkRoute } from './link-routes.js';

const ACK_PROPERTY = 'iothub-ack';
/** What AMQP's encoding, and names the hub does not count, may add to a message of the longest length. */
const ENCODING_BYTES = 16 * 1024;

/**
 * Where services send messages to devices. Each is accepted once it is on disk.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support#invoke-cloud-to-device-messages-service-client
 */
export const deviceBoundRoute: IncomingLinkRoute = {
  direction: 'from-client',
  address: '/messages/devicebound',
  open({ hub, authority }) {
    authority.requireService('ServiceConnect');
    return {
      maxMessageBytes: MAX_DEVICE_BOUND_BYTES + ENCODING_BYTES,
      message: (message) => sendToDevice(hub, deviceOf(message), toDeviceBoundMessage(hub, message)),
    };
  },
};

/** The device in `to`: `/devices/{deviceId}/messages/devicebound`, the id percent-encoded. */
function deviceOf({ to }: AmqpMessage): string {
  const segments = addressSegments(textOf(to) ?? '');
  const deviceId = segments && matchAddress('/devices/:deviceId/messages/devicebound', segments)?.deviceId;
  if (segments && matchAddress('/devices/:deviceId/modules/:moduleId/messages/devicebound', segments)) {
    throw notImplemented('Cloud-to-device messages to modules');
  }
  if (deviceId === undefined) {
    throw new HubError('ArgumentInvalid', 'The message must be `to` /devices/{deviceId}/messages/devicebound.');
  }
  return deviceId;
}

function toDeviceBoundMessage(hub: Hub, message: AmqpMessage): DeviceBoundMessage {
  const body = bodyBytes(message);
  if (body === undefined) throw new HubError('ArgumentInvalid', 'The body of the message must be data.');
  const properties: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(message.application_properties ?? {})) {
    if (name === ACK_PROPERTY) continue;
    const text = value === null ? null : textOf(value);
    if (text === undefined)
      throw new HubError('ArgumentInvalid', `Application property ${name} is not a simple value.`);
    properties[name] = text;
  }
  return { body, properties, systemProperties: systemPropertiesOf(hub, message) };
}

function systemPropertiesOf({ clock }: Hub, message: AmqpMessage): DeviceBoundProperties {
  const expiry =
    message.absolute_expiry_time ??
    (typeof message.ttl === 'number' ? new Date(clock.nowMs() + message.ttl) : undefined);
  // The operation refuses any other.
  const ack = textOf(message.application_properties?.[ACK_PROPERTY]) as FeedbackMode | undefined;
  const all = {
    ...propertiesOf(message),
    expiryTimeUtc: textOf(expiry),
    ack,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
