import { closeOnSignal } from '#libs/runtime';
import { startDeviceAgent } from '../device-agent.js';
import { ServiceManager } from '../service-manager.js';
import type { CommandContext } from './command-context.js';
import { printJson } from './print-json.js';

/** Starts the agent, and prints one line of JSON once it is connected. */
export async function runCommand(_options: object, { settings, logger }: CommandContext): Promise<void> {
  const serviceManager = new ServiceManager(settings, { logger });
  const agent = await startDeviceAgent(settings, logger);
  closeOnSignal(async () => {
    await Promise.all([serviceManager.stopping(), agent.close()]);
  });
  // An agent without a network is up all the same: it goes on trying to connect.
  await serviceManager.ready('Connecting');
  await agent.connected();
  await serviceManager.status(`Connected as ${agent.deviceId}`);
  printJson({ ready: 'device-agent', deviceId: agent.deviceId });
}
