import type { HttpRoute } from './http-route.js';

/** Whether the emulator is up; needs no token and tells nothing that one would protect. */
export const healthRoutes: readonly HttpRoute[] = [
  {
    method: 'GET',
    path: '/health',
    handle: ({ hub }) => ({
      status: 200,
      body: { status: 'ok', hub: hub.name, connectedDevices: hub.connections.size, endpoints: hub.routing.health() },
    }),
  },
];
