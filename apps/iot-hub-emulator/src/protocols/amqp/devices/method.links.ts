import { HubError } from '../../../hub/errors/hub-errors.js';
import { answerMethod } from '../../../hub/methods/answer-method.js';
import { bodyBytes, dataBody, textOf } from '../amqp-message.js';
import type { LinkRoute } from '../link-routes.js';
import { OutgoingQueue } from '../outgoing-queue.js';
import { deviceAddresses, identityIn } from './device-address.js';
import { DeviceSession } from './device-session.js';

/** Calls that may wait for a device that gives no credit. The callers of more of them time out. */
const MAX_WAITING_CALLS = 100;

/**
 * Where direct methods reach devices and modules, and where these answer: two links of one address.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-direct-methods#amqp
 */
export const methodRoutes: readonly LinkRoute[] = deviceAddresses('/methods/devicebound').flatMap(
  (address): LinkRoute[] => [
    {
      direction: 'to-client',
      address,
      open(request, link) {
        const { hub, properties } = request;
        const session = DeviceSession.join(request, request.authority.requireDevice(identityIn(request)));
        const queue = new OutgoingQueue(link, MAX_WAITING_CALLS, () => {
          hub.logger.warn({ ...session.identity }, 'Method call dropped: the device gives no credit');
        });
        const unlisten = session.listen('methods', ({ methodName, requestId, payload, isAwaited }) => {
          const message = {
            // A UUID on the wire: the C SDK reads no other type.
            correlation_id: Buffer.from(requestId, 'hex'),
            application_properties: { 'IoThub-methodname': methodName },
            body: dataBody(Buffer.from(payload)),
          };
          queue.send(message, isAwaited);
        });
        return {
          properties,
          sendable() {
            queue.flush();
          },
          closed() {
            unlisten();
            session.leave(request);
          },
        };
      },
    },
    {
      direction: 'from-client',
      address,
      open(request) {
        const { hub, properties } = request;
        const session = DeviceSession.join(request, request.authority.requireDevice(identityIn(request)));
        return {
          properties,
          message(message) {
            const status = message.application_properties?.['IoThub-status'];
            // Back as a UUID or as its text.
            const requestId = textOf(message.correlation_id)?.replaceAll('-', '').toLowerCase();
            const body = bodyBytes(message);
            if (typeof status !== 'number' || requestId === undefined || body === undefined) {
              throw new HubError(
                'ArgumentInvalid',
                'The answer of a method needs a correlation-id, the property IoThub-status (int), and data.',
              );
            }
            answerMethod(hub, session.identity, requestId, { status, body });
            return undefined;
          },
          closed() {
            session.leave(request);
          },
        };
      },
    },
  ],
);
