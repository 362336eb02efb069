import { deviceJobOf, type DeviceJobRow } from '../jobs/device-job-view.js';
import type { Collection } from './collection.js';
import { branch, findField, json, text } from './document-fields.js';
import { invalidQuery } from './invalid-query.js';
import { withoutPrefix } from './twin-collection.js';

/** The document as `deviceJobOf` writes it. */
const DEVICE_JOB = branch({
  deviceId: text('device_id'),
  moduleId: text("NULLIF(module_id, '')", 'undefined'),
  jobId: text('job_id'),
  jobType: text('job_type'),
  status: text('status'),
  startTimeUtc: text('start_time'),
  endTimeUtc: text('end_time'),
  createdDateTimeUtc: text('created_time'),
  // As IoT Hub's own example of such a query calls it.
  createdTimeUtc: text('created_time'),
  lastUpdatedDateTimeUtc: text('last_updated_time'),
  outcome: json('outcome'),
  error: json('error'),
});

const PREFIXES = [['devices', 'jobs'], ['devices']];

/** Parts of twins, of which nothing is known here. */
const OF_TWINS = new Set(['tags', 'properties']);

/**
 * What jobs did to single devices and modules.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/query-jobs
 */
export const DEVICE_JOBS: Collection = {
  table: 'device_jobs',
  belongs: '1',
  keys: ['job_id', 'device_id', 'module_id'],
  itemType: 'DeviceJob',
  wholeOnly: true,
  resolve({ segments, position }) {
    const path = withoutPrefix(segments, PREFIXES);
    const [first = ''] = path;
    if (OF_TWINS.has(first.toLowerCase())) {
      throw invalidQuery(position, `queries over devices.jobs cannot ask for ${first} of the twin.`);
    }
    return findField(DEVICE_JOB, path);
  },
  toDocument: (row) => deviceJobOf(row as unknown as DeviceJobRow),
  sizeBytes: ({ outcome, error }) => String(outcome).length + String(error).length,
};
