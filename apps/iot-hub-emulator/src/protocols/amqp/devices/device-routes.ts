import type { LinkRoute } from '../link-routes.js';
import { cloudToDeviceRoute } from './cloud-to-device.link.js';
import { methodRoutes } from './method.links.js';
import { notImplementedRoutes } from './not-implemented.links.js';
import { telemetryRoutes } from './telemetry.links.js';
import { twinRoutes } from './twin.links.js';

/** The links of devices and modules. */
export const deviceRoutes: readonly LinkRoute[] = [
  ...telemetryRoutes,
  cloudToDeviceRoute,
  ...methodRoutes,
  ...twinRoutes,
  ...notImplementedRoutes,
];
