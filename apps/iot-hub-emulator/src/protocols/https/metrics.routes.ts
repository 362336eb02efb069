import { renderMetrics } from '../../hub/metrics/render-metrics.js';
import { requireService } from './caller.js';
import type { HttpRoute } from './http-route.js';

/** What the hub counts of itself, for Prometheus: for whoever holds a key of a policy with all rights. */
export const metricsRoutes: readonly HttpRoute[] = [
  {
    method: 'GET',
    path: '/metrics',
    async handle(call) {
      for (const right of ['RegistryRead', 'RegistryWrite', 'ServiceConnect', 'DeviceConnect'] as const) {
        requireService(call, right);
      }
      const { contentType, text } = await renderMetrics(call.hub);
      return { status: 200, headers: { 'content-type': contentType }, body: Buffer.from(text) };
    },
  },
];
