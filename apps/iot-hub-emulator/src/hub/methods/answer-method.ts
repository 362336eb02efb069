import type { Hub } from '../hub.js';
import type { Identity } from '../identity.js';
import type { MethodAnswer } from './pending-methods.js';

/**
 * Hands a device's answer to the caller that waits for it.
 *
 * @returns false when nobody waits (any more): the answer came too late, or its request id is not of this device.
 */
export function answerMethod(hub: Hub, identity: Identity, requestId: string, answer: MethodAnswer): boolean {
  hub.activity.note(identity, hub.clock.nowMs());
  const wanted = hub.pendingMethods.answer(identity, requestId, answer);
  if (!wanted)
    hub.logger.warn({ ...identity, requestId, status: answer.status }, 'Method answer dropped: nobody waits for it');
  return wanted;
}
