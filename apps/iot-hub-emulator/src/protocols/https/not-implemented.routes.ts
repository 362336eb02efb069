import { notImplemented } from '../../hub/errors/not-implemented.js';
import type { HttpRoute } from './http-route.js';

/** Operations of IoT Hub that this emulator refuses by name: never a wrong success. */
const OPERATIONS: Readonly<Record<string, readonly `${HttpRoute['method']} /${string}`[]>> = {
  'Messages of modules over HTTPS': ['POST /devices/:deviceId/modules/:moduleId/messages/events'],
  'Cloud-to-device messages to modules': ['GET /devices/:deviceId/modules/:moduleId/messages/devicebound'],
  'File uploads of modules': ['POST /devices/:deviceId/modules/:moduleId/files'],
  'Import and export jobs': ['POST /jobs/create'],
  'Device streams': [
    'POST /twins/:deviceId/streams/:streamName',
    'POST /twins/:deviceId/modules/:moduleId/streams/:streamName',
  ],
  // What the hub of an IoT Edge device asks for.
  'Scopes of IoT Edge devices': [
    'GET /devices/:deviceId/modules/:moduleId/devicesAndModulesInDeviceScope',
    'GET /devices/:deviceId/modules/:moduleId/deviceAndModuleInDeviceScope',
  ],
  'Digital twins': ['GET /digitaltwins/:deviceId', 'PATCH /digitaltwins/:deviceId'],
  'Digital twin commands': [
    'POST /digitaltwins/:deviceId/commands/:command',
    'POST /digitaltwins/:deviceId/components/:component/commands/:command',
  ],
};

/** Routes that answer 501 and name the operation. */
export const notImplementedRoutes: readonly HttpRoute[] = Object.entries(OPERATIONS).flatMap(([operation, routes]) =>
  routes.map((text): HttpRoute => {
    const [method, path] = text.split(' ') as [HttpRoute['method'], string];
    return {
      method,
      path,
      handle() {
        throw notImplemented(operation);
      },
    };
  }),
);
