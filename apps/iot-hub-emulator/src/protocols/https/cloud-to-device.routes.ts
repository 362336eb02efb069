import { utcText } from '../../hub/clock.js';
import type { DeviceBoundProperties, ReceivedMessage } from '../../hub/cloud-to-device/device-bound-message.js';
import { purgeMessages } from '../../hub/cloud-to-device/purge-messages.js';
import { receiveMessage } from '../../hub/cloud-to-device/receive-message.js';
import { abandonMessage, completeMessage, rejectMessage } from '../../hub/cloud-to-device/settle-message.js';
import { param, requireDeviceCaller, requireService } from './caller.js';
import type { HttpRoute } from './http-route.js';
import { headerName, headerValue } from './safe-headers.js';

const SYSTEM_HEADERS: readonly (readonly [keyof DeviceBoundProperties, string])[] = [
  ['messageId', 'iothub-messageid'],
  ['correlationId', 'iothub-correlationid'],
  ['userId', 'iothub-userid'],
  ['to', 'iothub-to'],
  ['expiryTimeUtc', 'iothub-expiry'],
  ['contentType', 'iothub-contenttype'],
  ['contentEncoding', 'iothub-contentencoding'],
  // Under these names `az iot device c2d-message receive` finds them.
  ['contentType', 'ContentType'],
  ['contentEncoding', 'ContentEncoding'],
  ['creationTimeUtc', 'iothub-creation-time-utc'],
  ['ack', 'iothub-ack'],
];

/** Cloud-to-device messages. @see https://learn.microsoft.com/rest/api/iothub/device/receive-device-bound-notification */
export const cloudToDeviceRoutes: readonly HttpRoute[] = [
  {
    method: 'GET',
    path: '/devices/:deviceId/messages/devicebound',
    handle(call) {
      const { deviceId } = requireDeviceCaller(call);
      const message = receiveMessage(call.hub, deviceId);
      if (message === undefined) return { status: 204 };
      return { status: 200, body: Buffer.from(message.body), headers: headersOf(message) };
    },
  },
  {
    // Completes a message or, with the query parameter `reject`, rejects it.
    method: 'DELETE',
    path: '/devices/:deviceId/messages/devicebound/:lockToken',
    async handle(call) {
      const { deviceId } = requireDeviceCaller(call);
      const settle = call.query.has('reject') ? rejectMessage : completeMessage;
      await settle(call.hub, deviceId, param(call, 'lockToken'));
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: '/devices/:deviceId/messages/devicebound/:lockToken/abandon',
    async handle(call) {
      const { deviceId } = requireDeviceCaller(call);
      await abandonMessage(call.hub, deviceId, param(call, 'lockToken'));
      return { status: 204 };
    },
  },
  {
    method: 'DELETE',
    path: '/devices/:deviceId/commands',
    async handle(call) {
      requireService(call, 'ServiceConnect');
      return { status: 200, body: await purgeMessages(call.hub, param(call, 'deviceId')) };
    },
  },
];

function headersOf(message: ReceivedMessage): Record<string, string> {
  const { systemProperties, properties } = message;
  const headers: Record<string, string> = {
    etag: `"${message.lockToken}"`,
    'content-type': headerValue(systemProperties.contentType ?? 'application/octet-stream'),
    'iothub-sequencenumber': String(message.sequenceNumber),
    'iothub-enqueuedtime': utcText(message.enqueuedMs),
    'iothub-deliverycount': String(message.deliveryCount),
  };
  for (const [name, key] of SYSTEM_HEADERS) {
    const value = systemProperties[name];
    if (value !== undefined) headers[key] = headerValue(value);
  }
  for (const [name, value] of Object.entries(properties)) {
    headers[`iothub-app-${headerName(name)}`] = headerValue(value ?? '');
  }
  return headers;
}
