import type { HubMessage } from './hub-message.js';

/** How the sender of a message proved itself, as the JSON text that IoT Hub puts into `iothub-connection-auth-method`. */
export const connectionAuthMethod = ({ authScope, authType }: Pick<HubMessage, 'authScope' | 'authType'>): string =>
  JSON.stringify({ scope: authScope, type: authType, issuer: 'iothub', acceptingIpFilterRule: null });
