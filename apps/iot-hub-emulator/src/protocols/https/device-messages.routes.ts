import { appendMessages } from '../../hub/messages/append-messages.js';
import { MAX_MESSAGE_BYTES } from '../../hub/messages/message-size.js';
import { requireDeviceCaller } from './caller.js';
import type { HttpRoute } from './http-route.js';
import { messageFromHeaders, messagesFromBatch } from './message-headers.js';
import { readBody, readJson } from './request-body.js';

const BATCH_CONTENT_TYPE = 'application/vnd.microsoft.iothub.json';
/** A batch holds its bodies as base64, a third longer, with their properties and JSON around them. */
const BATCH_LIMIT_BYTES = 2 * MAX_MESSAGE_BYTES;

/** Device-to-cloud messages. @see https://learn.microsoft.com/rest/api/iothub/device/send-device-event */
export const deviceMessageRoutes: readonly HttpRoute[] = [
  {
    method: 'POST',
    path: '/devices/:deviceId/messages/events',
    async handle(call) {
      const device = requireDeviceCaller(call);
      const contentType = call.request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
      const messages =
        contentType === BATCH_CONTENT_TYPE
          ? messagesFromBatch(await readJson(call.request, BATCH_LIMIT_BYTES))
          : [messageFromHeaders(call.request, await readBody(call.request, MAX_MESSAGE_BYTES))];
      await appendMessages(call.hub, device, messages);
      call.hub.metrics.messages.addMany(messages.length, 'Telemetry', 'https');
      return { status: 204 };
    },
  },
];
