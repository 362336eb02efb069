import { expireMessages, nextMessageExpiryMs } from '../cloud-to-device/expire-messages.js';
import { wakeDevice } from '../cloud-to-device/wake-device.js';
import type { Hub } from '../hub.js';
import { expireServiceMessages, nextServiceExpiryMs } from '../service-bound/service-messages.js';
import type { ServiceQueue } from './message-queues.js';

/** After a disk that was full or read-only. */
const RETRY_MS = 1000;

/**
 * Gives messages whose lock has lapsed out again, and dead-letters expired ones, as they fall due: one timer for the whole hub.
 *
 * @returns a function that stops it.
 */
export function keepQueuesSwept(hub: Hub): () => void {
  return hub.queues.keepSwept(() => {
    sweep(hub).catch((cause: unknown) => {
      hub.logger.error({ err: cause }, 'Expired messages could not be dead-lettered');
      hub.queues.sweepBy(hub.clock.nowMs() + RETRY_MS);
    });
  });
}

async function sweep(hub: Hub): Promise<void> {
  const { queues } = hub;
  const nowMs = hub.clock.nowMs();
  for (const deviceId of new Set(queues.deviceLocks.lapse(nowMs))) wakeDevice(hub, deviceId);
  for (const [queue, locks] of Object.entries(queues.serviceLocks)) {
    if (locks.lapse(nowMs).length > 0) queues.wakeServices(queue as ServiceQueue);
  }
  if (Math.min(nextMessageExpiryMs(hub), nextServiceExpiryMs(hub)) <= nowMs) {
    await hub.store.write(() => {
      expireMessages(hub, nowMs);
      expireServiceMessages(hub, nowMs);
    });
  }
  const lapses = [queues.deviceLocks, ...Object.values(queues.serviceLocks)].map((locks) => locks.nextLapseMs);
  queues.sweepBy(Math.min(nextMessageExpiryMs(hub), nextServiceExpiryMs(hub), ...lapses));
}
