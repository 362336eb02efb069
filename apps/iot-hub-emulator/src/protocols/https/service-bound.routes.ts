import { utcText } from '../../hub/clock.js';
import type { ServiceQueue } from '../../hub/queues/message-queues.js';
import {
  abandonServiceMessage,
  completeServiceMessage,
  receiveServiceMessage,
} from '../../hub/service-bound/service-messages.js';
import { param, requireService } from './caller.js';
import type { HttpRoute } from './http-route.js';

/**
 * What the hub tells services: how their messages ended, and which files were uploaded. File notifications are documented
 * for AMQP alone; here they come in the same way.
 *
 * @see https://learn.microsoft.com/rest/api/iothub/service/cloud-to-device-messages/receive-feedback-notification
 */
export const serviceBoundRoutes: readonly HttpRoute[] = [
  ...queueRoutes('feedback', '/messages/serviceBound/feedback'),
  ...queueRoutes('fileNotifications', '/messages/serviceBound/filenotifications'),
];

function queueRoutes(queue: ServiceQueue, path: string): HttpRoute[] {
  return [
    {
      method: 'GET',
      path,
      handle(call) {
        requireService(call, 'ServiceConnect');
        const message = receiveServiceMessage(call.hub, queue);
        if (message === undefined) return { status: 204 };
        return {
          status: 200,
          body: message.body,
          headers: {
            etag: `"${message.lockToken}"`,
            'content-type': message.contentType,
            'iothub-sequencenumber': String(message.sequenceNumber),
            'iothub-enqueuedtime': utcText(message.enqueuedMs),
            'iothub-deliverycount': String(message.deliveryCount),
            'iothub-userid': message.userId,
          },
        };
      },
    },
    {
      // Completes or, with the query parameter `reject`, rejects: either way it is gone.
      method: 'DELETE',
      path: `${path}/:lockToken`,
      async handle(call) {
        requireService(call, 'ServiceConnect');
        await completeServiceMessage(call.hub, queue, param(call, 'lockToken'));
        return { status: 204 };
      },
    },
    {
      method: 'POST',
      path: `${path}/:lockToken/abandon`,
      async handle(call) {
        requireService(call, 'ServiceConnect');
        await abandonServiceMessage(call.hub, queue, param(call, 'lockToken'));
        return { status: 204 };
      },
    },
  ];
}
