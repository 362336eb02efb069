import { notImplemented } from '../../../hub/errors/not-implemented.js';
import type { LinkRoute } from '../link-routes.js';
import { deviceAddresses } from './device-address.js';

/** What this emulator refuses by name: never a link on which nothing comes. */
const OPERATIONS: readonly (readonly [operation: string, addresses: readonly string[]])[] = [
  ['Cloud-to-device messages to modules', ['/devices/:deviceId/modules/:moduleId/messages/devicebound']],
  ['Inputs of IoT Edge modules', ['/devices/:deviceId/modules/:moduleId/messages/events']],
  ['Device streams', deviceAddresses('/streams')],
];

/** Links on which IoT Hub sends, and this emulator does not. */
export const notImplementedRoutes: readonly LinkRoute[] = OPERATIONS.flatMap(([operation, addresses]) =>
  addresses.map((address): LinkRoute => ({
    direction: 'to-client',
    address,
    open() {
      throw notImplemented(operation);
    },
  })),
);
