import type { Hub } from '../hub.js';

/** Tells a connected device that listens to cloud-to-device messages that its queue may have some to give. */
export function wakeDevice(hub: Hub, deviceId: string): void {
  hub.connections.listening({ deviceId }, 'cloud-to-device')?.messagesWaiting();
}
