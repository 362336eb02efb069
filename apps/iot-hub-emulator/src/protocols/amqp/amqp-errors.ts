import { HubError } from '../../hub/errors/hub-errors.js';
import type { AmqpErrorFields } from './rhea/rhea-types.js';

/** What a client is told of a failure: the hub error's condition and message. Anything else is `amqp:internal-error`. */
export function toAmqpError(cause: unknown): AmqpErrorFields {
  const error = asHubError(cause);
  return { condition: error.condition, description: error.message };
}

/** A failure as a hub error; one that is none becomes `ServerError`, with what it was as its cause. */
export const asHubError = (cause: unknown): HubError =>
  cause instanceof HubError ? cause : new HubError('ServerError', 'The hub failed to do this.', { cause });
