import { closeOnSignal } from '#libs/runtime';
import { startDeviceAgent } from '../device-agent.js';
import type { CommandContext } from './command-context.js';
import { printJson } from './print-json.js';

/** Starts the agent, and prints one line of JSON once it is connected. */
export async function runCommand(_options: object, { settings, logger }: CommandContext): Promise<void> {
  const agent = await startDeviceAgent(settings, logger);
  closeOnSignal(() => agent.close());
  await agent.connected();
  printJson({ ready: 'device-agent', deviceId: agent.deviceId });
}
