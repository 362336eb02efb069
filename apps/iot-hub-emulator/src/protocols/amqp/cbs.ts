import { types } from 'rhea';
import { unauthorized } from '../../hub/access/unauthorized.js';
import { HubError } from '../../hub/errors/hub-errors.js';
import { asHubError } from './amqp-errors.js';
import { bodyText, textOf, type AmqpMessage } from './amqp-message.js';
import type { AmqpConnection, LinkRoute } from './link-routes.js';
import { replyRoute, sendReply } from './request-reply.js';

const ADDRESS = '$cbs';
/** A token, and what is said around it. */
const MAX_REQUEST_BYTES = 16 * 1024;
/** Tokens of this type are shared access signatures; Python's uamqp and Node's SDK say so for Entra tokens, too. */
const SAS_TOKEN = 'servicebus.windows.net:sastoken';

/**
 * Claims-based security: the client presents its tokens as requests to the node `$cbs`, and renews them there.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-amqp-support#connect-and-authenticate-to-an-iot-hub-service-client
 */
export const cbsRoutes: readonly LinkRoute[] = [
  replyRoute(ADDRESS),
  {
    direction: 'from-client',
    address: ADDRESS,
    open: ({ connection }) => ({
      maxMessageBytes: MAX_REQUEST_BYTES,
      message(request) {
        putToken(connection, request);
        return undefined;
      },
    }),
  },
];

function putToken(connection: AmqpConnection, request: AmqpMessage): void {
  try {
    const { operation, type } = request.application_properties ?? {};
    if (textOf(operation) !== 'put-token') {
      throw new HubError('NotImplemented', `Operation ${textOf(operation)?.slice(0, 64) ?? ''} is not implemented.`);
    }
    if (textOf(type)?.toLowerCase() !== SAS_TOKEN) throw unauthorized('the token is of a type other than SAS');
    connection.claims.present(bodyText(request) ?? '');
    answer(connection, request, { status: 200, description: 'OK' });
  } catch (cause) {
    const error = asHubError(cause);
    connection.refused('Token refused', error);
    answer(connection, request, { status: error.status, description: error.message });
  }
}

/** The status must be an AMQP int: a bare 200 would go out as a small unsigned one, which Python's uamqp does not see. */
function answer(
  connection: AmqpConnection,
  request: AmqpMessage,
  { status, description }: { status: number; description: string },
): void {
  sendReply(connection, ADDRESS, request, {
    application_properties: { 'status-code': types.wrap_int(status), 'status-description': description },
  });
}
