import { types } from 'rhea';
import { HubError } from '../../hub/errors/hub-errors.js';
import { asHubError } from './amqp-errors.js';
import type { AmqpMessage } from './amqp-message.js';
import { answerManagementRequest, requireEventHubName } from './event-hubs-management.js';
import { openEventReceiver } from './event-hubs-receiver.js';
import { redirectTo } from './event-hubs-redirect.js';
import type { AmqpConnection, IncomingLinkRoute, LinkRequest, LinkRoute, OutgoingLinkRoute } from './link-routes.js';
import { replyRoute, sendReply } from './request-reply.js';

const MANAGEMENT = '$management';
/** An operation, names and a token. */
const MAX_REQUEST_BYTES = 16 * 1024;

const receive: OutgoingLinkRoute = {
  direction: 'to-client',
  address: '/:eventHub/ConsumerGroups/:consumerGroup/Partitions/:partition',
  open(request, link) {
    const { eventHub = '', consumerGroup = '', partition = '' } = request.params;
    request.authority.requireEventHub([eventHub, 'ConsumerGroups', consumerGroup, 'Partitions', partition]);
    requireEventHubName(request.hub, eventHub);
    return openEventReceiver(request, link);
  },
};

const ask: IncomingLinkRoute = {
  direction: 'from-client',
  address: MANAGEMENT,
  open(request) {
    authorizeManagement(request);
    return {
      maxMessageBytes: MAX_REQUEST_BYTES,
      message(message) {
        answer(request.connection, message);
        return undefined;
      },
    };
  },
};

/** A sender to the event hub, or to one of its partitions. */
const send = (address: string): IncomingLinkRoute => ({
  direction: 'from-client',
  address,
  open({ hub, connection, params }) {
    requireEventHubName(hub, params.eventHub ?? '');
    // No policy of an IoT hub has that claim, and so it is told, by Event Hubs.
    throw new HubError(
      'IotHubUnauthorizedAccess',
      `Unauthorized access. 'Send' claim(s) are required to perform this operation. Resource: 'sb://${connection.reachedAt.host}/${hub.name}'. The built-in endpoint is for reading: what comes in are messages of devices.`,
    );
  },
});

/** An address of the IoT hub itself, from which readers are sent on. */
const redirect = (address: string, pathOf: (params: LinkRequest['params']) => string): OutgoingLinkRoute => ({
  direction: 'to-client',
  address: `/messages/events/${address}`,
  open({ hub, authority, connection, params }, link) {
    authority.requireService('ServiceConnect');
    link.close(redirectTo({ ...connection.reachedAt, path: `${hub.name}/${pathOf(params)}` }));
    return { sendable: () => undefined };
  },
});

/**
 * The built-in endpoint as an event hub, and the way there.
 *
 * @see https://learn.microsoft.com/azure/event-hubs/event-hubs-amqp-protocol-guide
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support#receive-telemetry-messages-service-client
 */
export const eventHubsRoutes: readonly LinkRoute[] = [
  replyRoute(MANAGEMENT, authorizeManagement),
  ask,
  receive,
  redirect(MANAGEMENT, () => MANAGEMENT),
  redirect('ConsumerGroups/:consumerGroup/Partitions/:partition', ({ consumerGroup = '', partition = '' }) =>
    ['ConsumerGroups', consumerGroup, 'Partitions', partition].join('/'),
  ),
  send('/:eventHub'),
  send('/:eventHub/Partitions/:partition'),
];

function authorizeManagement({ hub, authority }: LinkRequest): void {
  authority.requireEventHub([hub.name, MANAGEMENT]);
}

function answer(connection: AmqpConnection, request: AmqpMessage): void {
  try {
    reply(connection, request, {
      status: 200,
      description: 'OK',
      body: answerManagementRequest(connection.hub, request),
    });
  } catch (cause) {
    const error = asHubError(cause);
    connection.refused('Event hub request refused', error);
    reply(connection, request, { status: error.status, description: error.message, condition: error.condition });
  }
}

interface Reply {
  readonly status: number;
  readonly description: string;
  readonly condition?: string;
  readonly body?: object;
}

/** The status must be an AMQP int, as in `$cbs`. */
function reply(
  connection: AmqpConnection,
  request: AmqpMessage,
  { status, description, condition, body }: Reply,
): void {
  sendReply(connection, MANAGEMENT, request, {
    application_properties: {
      'status-code': types.wrap_int(status),
      'status-description': description,
      ...(condition !== undefined && { 'error-condition': types.wrap_symbol(condition) }),
    },
    body,
  });
}
