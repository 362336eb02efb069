import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { JobClient } from 'azure-iothub';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { httpsCall } from '../support/https-call.js';
import { serviceToken } from '../support/service-token.js';
import { until } from '../support/until.js';

interface Job {
  readonly jobId: string;
  readonly status: string;
  readonly deviceJobStatistics: Readonly<Record<string, number>>;
}

/** A row of devices.jobs. */
interface DeviceJob {
  readonly deviceId: string;
  readonly status: string;
  readonly outcome?: { deviceMethodResponse: { status: number; payload: unknown } | null };
  readonly error?: { code: string; description: string };
}

function jobClient({ emulator, agent }: TestIotHub): JobClient {
  const jobs = JobClient.fromConnectionString(emulator.serviceConnectionString);
  const { _restApiClient: rest } = jobs as unknown as { _restApiClient: { setOptions(options: object): void } };
  rest.setOptions({ http: { agent } });
  return jobs;
}

const jobOf = async (jobs: JobClient, jobId: string) => (await jobs.getJob(jobId)).jobStatus as unknown as Job;

const reach = (jobs: JobClient, jobId: string, status: string) =>
  until(async () => {
    const job = await jobOf(jobs, jobId);
    return job.status === status ? job : undefined;
  }, `${jobId} is ${status}`);

async function partsOf({ registry }: TestIotHub, jobId: string): Promise<DeviceJob[]> {
  const query = registry.createQuery(`SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${jobId}'`);
  const page = (await query.next()) as { result: DeviceJob[] };
  return page.result;
}

describe('scheduled jobs, through azure-iothub', () => {
  let hub: TestIotHub;
  let jobs: JobClient;

  beforeAll(async () => {
    hub = await startTestIotHub();
    jobs = jobClient(hub);
    await hub.registry.addDevices(
      ['north1', 'north2', 'south1'].map((deviceId) => ({ deviceId, tags: { site: deviceId.slice(0, -1) } })),
    );
  });
  afterAll(() => hub.close());

  it('change the twins that meet a condition, and devices hear of it', async () => {
    const device = await hub.device(hub.emulator.deviceConnectionString('north1'));
    await device.open();
    const twin = await device.getTwin();
    let rate: unknown;
    twin.on('properties.desired', (patch: { rate?: number }) => {
      rate = patch.rate;
    });
    await until(() => hub.log.some(({ msg }) => msg === 'Device subscribed'), 'the device listens');
    const patch = { etag: '*', tags: { batch: 7 }, properties: { desired: { rate: 60 } } };
    const { jobStatus } = await jobs.scheduleTwinUpdate('rates', "tags.site = 'north'", patch, new Date(), 300);
    expect(jobStatus).toMatchObject({
      jobId: 'rates',
      type: 'scheduleUpdateTwin',
      status: 'queued',
      updateTwin: patch,
    });
    const job = await reach(jobs, 'rates', 'completed');
    expect(job.deviceJobStatistics).toEqual({
      deviceCount: 2,
      failedCount: 0,
      succeededCount: 2,
      runningCount: 0,
      pendingCount: 0,
    });
    await until(() => rate === 60, 'the device hears of it');
    const changed = (await hub.registry.createQuery('SELECT deviceId FROM devices WHERE tags.batch = 7').next()).result;
    expect(changed).toEqual([{ deviceId: 'north1' }, { deviceId: 'north2' }]);
  });

  it('call a method of many devices, and keep each outcome', async () => {
    const device = await hub.device(hub.emulator.deviceConnectionString('south1'));
    device.onDeviceMethod('reboot', (request, response) => void response.send(200, { got: request.payload }));
    await device.open();
    await until(() => hub.log.filter(({ msg }) => msg === 'Device subscribed').length >= 2, 'the device listens');
    await jobs.scheduleDeviceMethod(
      'reboots',
      "deviceId IN ['south1', 'north2']",
      { methodName: 'reboot', payload: { soon: true }, responseTimeoutInSeconds: 10 },
      new Date(),
      60,
    );
    await reach(jobs, 'reboots', 'completed');
    expect(await partsOf(hub, 'reboots')).toMatchObject([
      { deviceId: 'north2', jobType: 'scheduleDeviceMethod', status: 'failed', error: { code: 'DeviceNotOnline' } },
      {
        deviceId: 'south1',
        status: 'completed',
        outcome: { deviceMethodResponse: { status: 200, payload: { got: { soon: true } } } },
      },
    ]);
  });

  it('wait for their time, and can be called off', async () => {
    const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000);
    const taken = await jobs.scheduleTwinUpdate('tomorrow', '*', { etag: '*', tags: { late: true } }, tomorrow, 60);
    expect(taken.jobStatus).toMatchObject({ status: 'queued' });
    expect(await jobOf(jobs, 'tomorrow')).toMatchObject({ status: 'scheduled', startTime: tomorrow.toISOString() });
    expect((await jobs.cancelJob('tomorrow')).jobStatus).toMatchObject({ status: 'cancelled' });
    expect(await jobOf(jobs, 'tomorrow')).toMatchObject({ status: 'cancelled' });
  });

  it('can be called off while they run', async () => {
    const device = await hub.device(hub.emulator.deviceConnectionString('north2'));
    let asked = 0;
    device.onDeviceMethod('hang', () => {
      asked += 1;
    });
    await device.open();
    await until(() => hub.log.filter(({ msg }) => msg === 'Device subscribed').length >= 3, 'the device listens');
    await jobs.scheduleDeviceMethod('hanging', "deviceId = 'north2'", { methodName: 'hang' }, new Date(), 3600);
    await until(() => asked === 1, 'the device is asked');
    await jobs.cancelJob('hanging');
    expect(await partsOf(hub, 'hanging')).toMatchObject([{ deviceId: 'north2', status: 'canceled' }]);
    await jobs.scheduleTwinUpdate('after', '*', { etag: '*', tags: { after: true } }, new Date(), 60);
    await reach(jobs, 'after', 'completed');
  });

  it('are listed by type and status, in pages', async () => {
    const pages: string[][] = [];
    const query = jobs.createQuery('scheduleUpdateTwin', undefined, 2);
    while (query.hasMoreResults) {
      const { result } = await query.next(query.continuationToken);
      pages.push((result as unknown as Job[]).map(({ jobId }) => jobId));
    }
    expect(pages).toEqual([['after', 'tomorrow'], ['rates']]);
    const { result } = await jobs.createQuery('scheduleDeviceMethod', 'cancelled').next();
    expect((result as unknown as Job[]).map(({ jobId }) => jobId)).toEqual(['hanging']);
  });

  it('answer for an id that no job has as the real hub does', async () => {
    expect(await jobOf(jobs, 'nothing')).toEqual({ type: 'unknown', status: 'unknown' });
    const error = (await jobs.cancelJob('nothing').catch((cause: unknown) => cause)) as { responseBody: string };
    expect(error.responseBody).toContain('ErrorCode:JobNotFound');
  });

  it('are none of import or export, which a list says and an id is refused by', async () => {
    expect((await hub.registry.listJobs()).responseBody).toEqual([]);
    for (const call of [hub.registry.getJob('nothing'), hub.registry.cancelJob('nothing')]) {
      const error = (await call.catch((cause: unknown) => cause)) as { responseBody: string };
      expect(error.responseBody).toContain('ErrorCode:JobNotFound');
    }
  });

  it.each<[string, number, string, unknown]>([
    ['an id that is taken', 409, 'JobAlreadyExists', { jobId: 'rates', queryCondition: '*' }],
    ['a condition with an error', 400, 'ArgumentInvalid', { queryCondition: 'deviceId LIKE 1' }],
    ['no condition', 400, 'ArgumentInvalid', {}],
  ])('refuse %s', async (_name, status, errorCode, parts) => {
    const { jobId = 'new', ...rest } = parts as { jobId?: string };
    const reply = await httpsCall(hub.agent, {
      method: 'PUT',
      path: `/jobs/v2/${jobId}?api-version=2021-04-12`,
      headers: { authorization: serviceToken(hub), 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'scheduleUpdateTwin', updateTwin: { etag: '*', tags: { a: 1 } }, ...rest }),
    });
    expect(reply.status).toBe(status);
    expect(reply.headers['iothub-errorcode']).toBe(errorCode);
  });

  it('refuse a second job at once with 429', async () => {
    await jobs.scheduleDeviceMethod('busy', "deviceId = 'north2'", { methodName: 'hang' }, new Date(), 3600);
    const reply = await httpsCall(hub.agent, {
      method: 'PUT',
      path: '/jobs/v2/second?api-version=2021-04-12',
      headers: { authorization: serviceToken(hub), 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'scheduleUpdateTwin', updateTwin: { tags: { a: 1 } }, queryCondition: '*' }),
    });
    expect(reply.status).toBe(429);
    expect(reply.headers['iothub-errorcode']).toBe('ThrottlingMaxActiveJobCountExceeded');
    await jobs.cancelJob('busy');
  });
});

describe('scheduled jobs of a hub that is stopped and started again', () => {
  it('go on where they were', async () => {
    const dataDirectory = await mkdtemp(join(tmpdir(), 'iot-hub-'));
    const before = await startTestIotHub({ inMemory: false, dataDirectory });
    const devices = Array.from({ length: 50 }, (_, index) => ({ deviceId: `d${index}` }));
    await before.registry.addDevices(devices);
    const device = await before.device(before.emulator.deviceConnectionString('d0'));
    let asked = 0;
    device.onDeviceMethod('hang', () => {
      asked += 1;
    });
    await device.open();
    await until(() => before.log.some(({ msg }) => msg === 'Device subscribed'), 'the device listens');
    const jobs = jobClient(before);
    await jobs.scheduleDeviceMethod('hanging', "deviceId = 'd0'", { methodName: 'hang' }, new Date(), 3600);
    const soon = new Date(Date.now() + 500);
    await jobs.scheduleTwinUpdate('soon', '*', { etag: '*', tags: { done: true } }, soon, 60);
    await until(() => asked === 1, 'the device is asked');
    await before.close();

    const after = await startTestIotHub({ inMemory: false, dataDirectory });
    try {
      const jobsAfter = jobClient(after);
      await reach(jobsAfter, 'hanging', 'completed');
      expect(await partsOf(after, 'hanging')).toMatchObject([
        { status: 'failed', error: { code: 'ServiceUnavailable' } },
      ]);
      const { deviceJobStatistics } = await reach(jobsAfter, 'soon', 'completed');
      expect(deviceJobStatistics).toMatchObject({ deviceCount: 50, succeededCount: 50 });
      const { result } = await after.registry.createQuery('SELECT COUNT() AS n FROM devices WHERE version = 3').next();
      expect(result).toEqual([{ n: 50 }]);
      expect(asked).toBe(1);
    } finally {
      await after.close();
      await rm(dataDirectory, { recursive: true });
    }
  });
});
