import type { QueueOptions } from './queue-options.js';
import { readQueueSettings } from './queue-settings.js';

describe(readQueueSettings.name, () => {
  it('begins with the documented defaults', () => {
    const queue = { ttlMs: 3_600_000, lockMs: 60_000, maxDeliveryCount: 10 };
    expect(readQueueSettings()).toEqual({
      defaultTtlMs: 3_600_000,
      maxDeliveryCount: 10,
      feedback: queue,
      fileNotifications: queue,
    });
  });

  it('takes each setting by itself', () => {
    const settings = readQueueSettings({ maxDeliveryCount: 1, feedback: { lockMs: 300_000 } });
    expect([settings.maxDeliveryCount, settings.feedback.lockMs, settings.feedback.ttlMs]).toEqual([
      1, 300_000, 3_600_000,
    ]);
  });

  it.each<[string, QueueOptions]>([
    ['cloudToDevice.defaultTtlMs', { defaultTtlMs: 59_999 }],
    ['cloudToDevice.defaultTtlMs', { defaultTtlMs: 172_800_001 }],
    ['cloudToDevice.maxDeliveryCount', { maxDeliveryCount: 0 }],
    ['cloudToDevice.maxDeliveryCount', { maxDeliveryCount: 101 }],
    ['cloudToDevice.maxDeliveryCount', { maxDeliveryCount: 1.5 }],
    ['cloudToDevice.feedback.lockMs', { feedback: { lockMs: 4_999 } }],
    ['cloudToDevice.fileNotifications.lockMs', { fileNotifications: { lockMs: 300_001 } }],
    ['cloudToDevice.feedback.ttlMs', { feedback: { ttlMs: 1 } }],
  ])('names %s when it is out of range', (name, options) => {
    expect(() => readQueueSettings(options)).toThrow(`${name} must be a whole number from`);
  });
});
