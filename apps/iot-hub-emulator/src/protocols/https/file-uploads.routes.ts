import { notifyFileUpload, openFileUpload } from '../../hub/file-uploads/file-uploads.js';
import { param, requireDeviceCaller } from './caller.js';
import type { HttpRoute } from './http-route.js';
import { readJson } from './request-body.js';

/** File uploads. @see https://learn.microsoft.com/rest/api/iothub/device/create-file-upload-sas-uri */
export const fileUploadRoutes: readonly HttpRoute[] = [
  {
    method: 'POST',
    path: '/devices/:deviceId/files',
    errors: 'nested',
    async handle(call) {
      const device = requireDeviceCaller(call);
      return { status: 200, body: await openFileUpload(call.hub, device, await readJson(call.request)) };
    },
  },
  {
    method: 'POST',
    path: '/devices/:deviceId/files/notifications',
    errors: 'nested',
    async handle(call) {
      const device = requireDeviceCaller(call);
      await notifyFileUpload(call.hub, device, await readJson(call.request));
      return { status: 204 };
    },
  },
  {
    // The Node SDK puts the correlation id into the path, others into the body.
    method: 'POST',
    path: '/devices/:deviceId/files/notifications/:correlationId',
    errors: 'nested',
    async handle(call) {
      const device = requireDeviceCaller(call);
      await notifyFileUpload(call.hub, device, await readJson(call.request), param(call, 'correlationId'));
      return { status: 204 };
    },
  },
];
