import { HubError } from '../../hub/errors/hub-errors.js';
import { cancelJob, createJob, getJob } from '../../hub/jobs/jobs.js';
import { queryJobs } from '../../hub/jobs/query-jobs.js';
import { param, requireService } from './caller.js';
import type { HttpCall, HttpRoute } from './http-route.js';
import { pageReply, pageRequest } from './page-headers.js';
import { readJson } from './request-body.js';

/** No job of import or export is ever made here, so that there is none of any id. */
function refuseTransferJob(call: HttpCall): never {
  requireService(call, 'RegistryRead', 'RegistryWrite');
  const jobId = param(call, 'jobId');
  throw new HubError('JobNotFound', `There is no import or export job ${jobId}.`);
}

/** Scheduled jobs. @see https://learn.microsoft.com/rest/api/iothub/service/jobs */
export const jobRoutes: readonly HttpRoute[] = [
  {
    // Of import and export: `az iot hub job list` asks for them beside the scheduled ones.
    method: 'GET',
    path: '/jobs',
    handle(call) {
      requireService(call, 'RegistryRead', 'RegistryWrite');
      return { status: 200, body: [] };
    },
  },
  { method: 'GET', path: '/jobs/:jobId', handle: refuseTransferJob },
  { method: 'DELETE', path: '/jobs/:jobId', handle: refuseTransferJob },
  {
    method: 'GET',
    path: '/jobs/v2/query',
    handle(call) {
      requireService(call, 'ServiceConnect');
      const jobType = call.query.get('jobType');
      const jobStatus = call.query.get('jobStatus');
      return pageReply(
        queryJobs(call.hub, { ...pageRequest(call), ...(jobType && { jobType }), ...(jobStatus && { jobStatus }) }),
      );
    },
  },
  {
    method: 'PUT',
    path: '/jobs/v2/:jobId',
    async handle(call) {
      requireService(call, 'ServiceConnect');
      return { status: 200, body: await createJob(call.hub, param(call, 'jobId'), await readJson(call.request)) };
    },
  },
  {
    method: 'GET',
    path: '/jobs/v2/:jobId',
    handle(call) {
      requireService(call, 'ServiceConnect');
      return { status: 200, body: getJob(call.hub, param(call, 'jobId')) };
    },
  },
  {
    method: 'POST',
    path: '/jobs/v2/:jobId/cancel',
    async handle(call) {
      requireService(call, 'ServiceConnect');
      return { status: 200, body: await cancelJob(call.hub, param(call, 'jobId')) };
    },
  },
];
