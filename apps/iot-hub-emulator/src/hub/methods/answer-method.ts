import type { Hub } from '../hub.js';
import type { MethodAnswer } from './pending-methods.js';

/**
 * Hands a device's answer to the caller that waits for it.
 *
 * @returns false when nobody waits (any more): the answer came too late, or its request id is not of this device.
 */
export function answerMethod(hub: Hub, deviceId: string, requestId: string, answer: MethodAnswer): boolean {
  hub.activity.note(deviceId, hub.clock.nowMs());
  const wanted = hub.pendingMethods.answer(deviceId, requestId, answer);
  if (!wanted)
    hub.logger.warn({ deviceId, requestId, status: answer.status }, 'Method answer dropped: nobody waits for it');
  return wanted;
}
