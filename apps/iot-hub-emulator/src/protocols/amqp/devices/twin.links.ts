import { types } from 'rhea';
import { HubError } from '../../../hub/errors/hub-errors.js';
import type { Hub } from '../../../hub/hub.js';
import type { Identity } from '../../../hub/identity.js';
import { answerTwinGet, answerTwinReport, type TwinAnswer } from '../../twin-requests.js';
import { type AmqpMessage, bodyBytes, dataBody, echoedId, textOf } from '../amqp-message.js';
import type { LinkRoute } from '../link-routes.js';
import { OutgoingQueue } from '../outgoing-queue.js';
import { deviceAddresses, identityIn } from './device-address.js';
import { DeviceSession } from './device-session.js';

/** Replies and changes that may wait for a device that gives no credit. */
const MAX_WAITING = 100;
const REPORTED = '/properties/reported';
const DESIRED_NOTIFICATIONS = '/notifications/twin/properties/desired';

/** The link on which a device hears of its twin: replies to what it asks on the other, and changes once it wants them. */
class TwinReceiver {
  private unlisten: (() => void) | undefined;

  constructor(
    private readonly session: DeviceSession,
    private readonly queue: OutgoingQueue,
  ) {}

  reply(request: AmqpMessage, { status, version, body }: TwinAnswer): void {
    this.queue.send({
      correlation_id: echoedId(request.correlation_id),
      message_annotations: {
        status: types.wrap_int(status),
        ...(version !== undefined && { version: types.wrap_long(version) }),
      },
      body: dataBody(Buffer.from(body)),
    });
  }

  /** Clients tell a change from a reply by its having no correlation id. */
  notifyOfDesired(): void {
    this.unlisten ??= this.session.listen('desired', (patch, version) => {
      this.queue.send({
        message_annotations: { resource: DESIRED_NOTIFICATIONS, version: types.wrap_long(version) },
        body: dataBody(Buffer.from(JSON.stringify({ ...patch, $version: version }))),
      });
    });
  }

  stopNotifying(): void {
    this.unlisten?.();
    this.unlisten = undefined;
  }
}

const receivers = new WeakMap<DeviceSession, TwinReceiver>();

/**
 * Where devices and modules read and report their twin, and hear of desired properties: two links of one address.
 * A request says what it wants by its annotations `operation` and `resource`.
 *
 * @see https://github.com/Azure/azure-iot-sdk-node, device/transport/amqp: the protocol is not documented otherwise
 */
export const twinRoutes: readonly LinkRoute[] = deviceAddresses('/twin').flatMap((address): LinkRoute[] => [
  {
    direction: 'to-client',
    address,
    open(request, link) {
      const session = DeviceSession.join(request, request.authority.requireDevice(identityIn(request)));
      const queue = new OutgoingQueue(link, MAX_WAITING, () => {
        request.connection.fail('amqp:resource-limit-exceeded', 'messages of the twin are not read');
      });
      const receiver = new TwinReceiver(session, queue);
      receivers.set(session, receiver);
      return {
        properties: request.properties,
        sendable() {
          queue.flush();
        },
        closed() {
          receiver.stopNotifying();
          if (receivers.get(session) === receiver) receivers.delete(session);
          session.leave(request);
        },
      };
    },
  },
  {
    direction: 'from-client',
    address,
    open(request) {
      const { hub } = request;
      const session = DeviceSession.join(request, request.authority.requireDevice(identityIn(request)));
      return {
        properties: request.properties,
        async message(message) {
          const receiver = receivers.get(session);
          if (receiver === undefined) {
            throw new HubError('ArgumentInvalid', 'Attach the receiving link of the twin before asking for it.');
          }
          receiver.reply(message, await answer(hub, session.identity, receiver, message));
        },
        closed() {
          session.leave(request);
        },
      };
    },
  },
]);

/** The operation decides; a resource that does not go with it is refused. */
async function answer(hub: Hub, identity: Identity, receiver: TwinReceiver, message: AmqpMessage): Promise<TwinAnswer> {
  const operation = textOf(message.message_annotations?.operation) ?? '';
  const resource = textOf(message.message_annotations?.resource) ?? '';
  switch (`${operation} ${resource}`.trim()) {
    case 'GET':
      return await answerTwinGet(hub, identity, 'amqp');
    case `PATCH ${REPORTED}`:
      return await answerTwinReport(hub, identity, 'amqp', bodyBytes(message) ?? Buffer.alloc(0));
    case `PUT ${DESIRED_NOTIFICATIONS}`:
      receiver.notifyOfDesired();
      return { status: 200, body: '' };
    case `DELETE ${DESIRED_NOTIFICATIONS}`:
      receiver.stopNotifying();
      return { status: 200, body: '' };
    default:
      throw new HubError('ArgumentInvalid', `There is no ${operation} of ${resource || 'the twin'}.`);
  }
}
