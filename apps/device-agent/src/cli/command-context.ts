import type { Logger } from '#libs/runtime';
import type { DeviceAgentSettings } from '../device-agent.config.js';

/** What a command is given beside its own options. */
export interface CommandContext {
  settings: DeviceAgentSettings;
  logger: Logger;
  /** Fires at Ctrl-C. */
  signal: AbortSignal;
}
