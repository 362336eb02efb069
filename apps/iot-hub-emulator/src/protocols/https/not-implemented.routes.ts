import { HubError } from '../../hub/errors/hub-errors.js';
import type { HttpRoute } from './http-route.js';

/** Operations of IoT Hub that this emulator refuses by name: never a wrong success. */
const OPERATIONS: Readonly<Record<string, readonly `${HttpRoute['method']} /${string}`[]>> = {
  'Module identities': [
    'GET /devices/:deviceId/modules',
    'GET /devices/:deviceId/modules/:moduleId',
    'PUT /devices/:deviceId/modules/:moduleId',
    'DELETE /devices/:deviceId/modules/:moduleId',
    'POST /devices/:deviceId/modules/:moduleId/messages/events',
    'POST /devices/:deviceId/modules/:moduleId/files',
  ],
  'Module twins': [
    'GET /twins/:deviceId/modules/:moduleId',
    'PATCH /twins/:deviceId/modules/:moduleId',
    'PUT /twins/:deviceId/modules/:moduleId',
  ],
  'Direct methods of modules': ['POST /twins/:deviceId/modules/:moduleId/methods'],
  'Applying a configuration': ['POST /devices/:deviceId/applyConfigurationContent'],
  Configurations: [
    'GET /configurations',
    'POST /configurations/testQueries',
    'GET /configurations/:id',
    'PUT /configurations/:id',
    'DELETE /configurations/:id',
  ],
  'Scheduled jobs': ['GET /jobs/v2/query', 'GET /jobs/v2/:jobId', 'PUT /jobs/v2/:jobId', 'POST /jobs/v2/:jobId/cancel'],
  'Import and export jobs': ['POST /jobs/create', 'GET /jobs', 'GET /jobs/:jobId', 'DELETE /jobs/:jobId'],
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
        throw new HubError('NotImplemented', `${operation}: not implemented by this emulator.`);
      },
    };
  }),
);
