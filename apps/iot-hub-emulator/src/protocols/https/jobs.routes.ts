import { cancelJob, createJob, getJob } from '../../hub/jobs/jobs.js';
import { queryJobs } from '../../hub/jobs/query-jobs.js';
import { param, requireService } from './caller.js';
import type { HttpRoute } from './http-route.js';
import { pageReply, pageRequest } from './page-headers.js';
import { readJson } from './request-body.js';

/** Scheduled jobs. @see https://learn.microsoft.com/rest/api/iothub/service/jobs */
export const jobRoutes: readonly HttpRoute[] = [
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
