import { aHub, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { HubError } from '../errors/hub-errors.js';
import type { DeviceConnection, MethodCall } from '../connections/device-connection.js';
import { utcText } from '../clock.js';
import type { JsonObject } from '../json.js';
import { answerMethod } from '../methods/answer-method.js';
import { runQuery } from '../query/run-query.js';
import { createIdentity } from '../registry/identities.js';
import { getTwin } from '../twins/service-twin.js';
import { JobChanges } from './job-changes.js';
import { keepJobsRunning } from './job-runner.js';
import { cancelJob, createJob, getJob } from './jobs.js';
import { queryJobs } from './query-jobs.js';

interface JobsHub extends TestHub {
  /** Ends the running of jobs, as the end of the hub does. */
  readonly stop: () => Promise<void>;
}

const hubs: JobsHub[] = [];
afterEach(async () => {
  for (const hub of hubs.splice(0)) {
    await hub.stop();
    hub.store.close();
  }
});

async function aHubOf(...deviceIds: string[]): Promise<JobsHub> {
  const hub = aHub();
  for (const deviceId of deviceIds) await createIdentity(hub, { deviceId });
  return running(hub);
}

function running(hub: TestHub): JobsHub {
  const started = { ...hub, stop: keepJobsRunning(hub) };
  hubs.push(started);
  return started;
}

/** As after a restart: the same store, and all jobs as they are in it. */
const restarted = (hub: TestHub): JobsHub => running({ ...hub, jobs: new JobChanges() });

const TWIN_JOB = { type: 'scheduleUpdateTwin', updateTwin: { etag: '*', tags: { a: 1 } }, queryCondition: '*' };
const METHOD_JOB = {
  type: 'scheduleDeviceMethod',
  cloudToDeviceMethod: { methodName: 'reboot', payload: { soon: true }, responseTimeoutInSeconds: 30 },
  queryCondition: '*',
};

/** Lets the runner go on until something has come about. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) {
    const met = await condition();
    // Also for what was only written to be committed.
    await new Promise(setImmediate);
    if (met) return;
  }
  throw new Error('It did not come about.');
}

/** Lets the runner go on until the job has this status. */
async function reach(hub: TestHub, jobId: string, status: string): Promise<JsonObject> {
  await until(() => getJob(hub, jobId).status === status);
  return getJob(hub, jobId);
}

const parts = async (hub: TestHub, jobId: string) =>
  (await runQuery(hub, { query: `SELECT * FROM devices.jobs WHERE jobId = '${jobId}'`, maxItemCount: 1000 })).items;

/** A connected device that listens to methods. What it was called with is in `calls`; `answer` answers the call. */
function connect(hub: TestHub, deviceId: string, answer?: (call: MethodCall) => void) {
  const calls: MethodCall[] = [];
  const identity = { deviceId };
  const connection: DeviceConnection = {
    identity,
    description: 'test',
    listensTo: () => true,
    close: () => undefined,
    messagesWaiting: () => undefined,
    invokeMethod(call) {
      calls.push(call);
      answer?.(call);
    },
    desiredChanged: () => undefined,
  };
  hub.connections.attach(connection);
  return calls;
}

const answerWith = (hub: TestHub, deviceId: string, status: number, body: string) => (call: MethodCall) => {
  queueMicrotask(() => answerMethod(hub, { deviceId }, call.requestId, { status, body: Buffer.from(body) }));
};

async function refusal(work: Promise<unknown>): Promise<string> {
  const cause: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return cause instanceof HubError ? cause.errorName : String(cause);
}

describe(createJob.name, () => {
  it('answers with the job as queued, then changes all twins that meet the condition', async () => {
    const hub = await aHubOf('a', 'b', 'c');
    const job = await createJob(hub, 'j1', { ...TWIN_JOB, jobId: 'j1', queryCondition: "deviceId IN ['a', 'c']" });
    expect(job).toEqual({
      jobId: 'j1',
      type: 'scheduleUpdateTwin',
      status: 'queued',
      queryCondition: "deviceId IN ['a', 'c']",
      updateTwin: TWIN_JOB.updateTwin,
      createdTime: utcText(START_MS),
      startTime: utcText(START_MS),
      maxExecutionTimeInSeconds: 3600,
      deviceJobStatistics: { deviceCount: 0, failedCount: 0, succeededCount: 0, runningCount: 0, pendingCount: 0 },
    });
    const ended = await reach(hub, 'j1', 'completed');
    expect(ended).toMatchObject({
      endTime: utcText(START_MS),
      deviceJobStatistics: { deviceCount: 2, failedCount: 0, succeededCount: 2, runningCount: 0, pendingCount: 0 },
    });
    expect(['a', 'b', 'c'].map((deviceId) => getTwin(hub, { deviceId }).tags)).toEqual([{ a: 1 }, undefined, { a: 1 }]);
    expect(await parts(hub, 'j1')).toEqual([
      expect.objectContaining({ deviceId: 'a', status: 'completed', outcome: { deviceMethodResponse: null } }),
      expect.objectContaining({ deviceId: 'c', status: 'completed' }),
    ]);
  });

  it('calls methods, and keeps what each device answered or why it did not', async () => {
    const hub = await aHubOf('asleep', 'awake', 'odd');
    const calls = connect(hub, 'awake', answerWith(hub, 'awake', 202, '{"done":true}'));
    connect(hub, 'odd', answerWith(hub, 'odd', 200, 'no JSON'));
    await createJob(hub, 'reboot', METHOD_JOB);
    const job = await reach(hub, 'reboot', 'completed');
    expect(job.deviceJobStatistics).toMatchObject({ deviceCount: 3, failedCount: 2, succeededCount: 1 });
    expect(calls).toMatchObject([{ requestId: expect.any(String), methodName: 'reboot', payload: '{"soon":true}' }]);
    expect((await parts(hub, 'reboot')).map(({ outcome, error }) => outcome ?? (error as JsonObject).code)).toEqual([
      'DeviceNotOnline',
      { deviceMethodResponse: { status: 202, payload: { done: true } } },
      'InvalidDeviceResponse',
    ]);
  });

  it('waits for the start time, and shows it as queued when another job is in its way', async () => {
    const hub = await aHubOf('a');
    connect(hub, 'a');
    await createJob(hub, 'later', { ...TWIN_JOB, startTime: utcText(START_MS + 60_000) });
    expect(getJob(hub, 'later').status).toBe('scheduled');
    const cloudToDeviceMethod = { methodName: 'wait', responseTimeoutInSeconds: 300 };
    await createJob(hub, 'first', { ...METHOD_JOB, cloudToDeviceMethod });
    await reach(hub, 'first', 'running');
    hub.clock.advance(60_000 - 1);
    expect(getJob(hub, 'later').status).toBe('scheduled');
    hub.clock.advance(1);
    expect(getJob(hub, 'later').status).toBe('queued');
    await cancelJob(hub, 'first');
    expect(await reach(hub, 'later', 'completed')).toMatchObject({ startTime: utcText(START_MS + 60_000) });
  });

  it('chooses the devices when it begins', async () => {
    const hub = await aHubOf('a');
    await createJob(hub, 'j', { ...TWIN_JOB, startTime: utcText(START_MS + 1000) });
    await createIdentity(hub, { deviceId: 'b' });
    hub.clock.advance(1000);
    expect((await reach(hub, 'j', 'completed')).deviceJobStatistics).toMatchObject({ succeededCount: 2 });
  });

  it('lets one job be under way at a time', async () => {
    const hub = await aHubOf('a');
    connect(hub, 'a');
    await createJob(hub, 'j1', METHOD_JOB);
    expect(await refusal(createJob(hub, 'j2', TWIN_JOB))).toBe('ThrottlingMaxActiveJobCountExceeded');
    await createJob(hub, 'j3', { ...TWIN_JOB, startTime: utcText(START_MS + 3_600_000) });
    expect(getJob(hub, 'j3').status).toBe('scheduled');
  });

  it('runs a job of many devices to its end', async () => {
    const hub = await aHubOf();
    await hub.store.write(() => {
      const insert = hub.store.sql(
        "INSERT INTO identities (device_id, generation_id, etag, twin_etag) VALUES (?, '1', 'a', 'b')",
      );
      for (let index = 0; index < 1050; index += 1) insert.run(`d${index}`);
    });
    await createJob(hub, 'many', TWIN_JOB);
    expect((await reach(hub, 'many', 'completed')).deviceJobStatistics).toMatchObject({ succeededCount: 1050 });
    const { items } = await runQuery(hub, {
      query: 'SELECT COUNT() AS n FROM devices WHERE tags.a = 1',
      maxItemCount: 1,
    });
    expect(items).toEqual([{ n: 1050 }]);
  });

  it('has ended when its time is over; devices that had not answered have failed', async () => {
    const hub = await aHubOf('a');
    const calls = connect(hub, 'a');
    await createJob(hub, 'short', { ...METHOD_JOB, maxExecutionTimeInSeconds: 10 });
    await until(() => calls.length === 1);
    hub.clock.advance(10_000);
    expect(await reach(hub, 'short', 'completed')).toMatchObject({ deviceJobStatistics: { failedCount: 1 } });
    expect(await parts(hub, 'short')).toMatchObject([{ status: 'failed', error: { code: 'RequestTimedOut' } }]);
  });

  it('runs over modules when its condition names them', async () => {
    const hub = await aHubOf('a', 'b');
    for (const [deviceId, moduleId] of [
      ['a', 'lens'],
      ['a', 'agent'],
      ['b', 'lens'],
    ] as const) {
      await createIdentity(hub, { deviceId, moduleId });
    }
    await createJob(hub, 'j', { ...TWIN_JOB, queryCondition: "FROM devices.modules WHERE ModuleId = 'lens'" });
    expect((await reach(hub, 'j', 'completed')).deviceJobStatistics).toMatchObject({ succeededCount: 2 });
    expect((await parts(hub, 'j')).map(({ deviceId, moduleId }) => [deviceId, moduleId])).toEqual([
      ['a', 'lens'],
      ['b', 'lens'],
    ]);
    expect(getTwin(hub, { deviceId: 'b', moduleId: 'lens' }).tags).toEqual({ a: 1 });
    expect(getTwin(hub, { deviceId: 'b' })).not.toHaveProperty('tags');
    await createJob(hub, 'k', { ...METHOD_JOB, queryCondition: 'from devices.modules' });
    await reach(hub, 'k', 'completed');
    expect(await parts(hub, 'k')).toMatchObject(
      Array(3).fill({ status: 'failed', error: { code: 'DeviceNotOnline' } }),
    );
    const found = await runQuery(hub, {
      query: "SELECT * FROM devices.jobs WHERE moduleId = 'agent' AND jobId = 'k'",
      maxItemCount: 10,
    });
    expect(found.items).toHaveLength(1);
    await expect(
      createJob(hub, 'l', { ...TWIN_JOB, queryCondition: 'FROM devices.modules WHERE a ==' }),
    ).rejects.toThrow('at character 31');
  });

  it('minds the etag of each twin', async () => {
    const hub = await aHubOf('a', 'b');
    await createJob(hub, 'first', { ...TWIN_JOB, queryCondition: "deviceId = 'a'", startTime: '' });
    await reach(hub, 'first', 'completed');
    await createJob(hub, 'second', { ...TWIN_JOB, updateTwin: { etag: 'AAAAAAAAAAE=', tags: { a: 2 } } });
    expect((await reach(hub, 'second', 'completed')).deviceJobStatistics).toMatchObject({
      failedCount: 1,
      succeededCount: 1,
    });
    expect(await parts(hub, 'second')).toMatchObject([
      { error: { code: 'PreconditionFailed' } },
      { status: 'completed' },
    ]);
  });

  it.each<[string, string, JsonObject, string]>([
    ['an id with a dot', 'a.b', TWIN_JOB, 'ArgumentInvalid'],
    ['an id of 65 characters', 'a'.repeat(65), TWIN_JOB, 'ArgumentInvalid'],
    ['an id that is not the path’s', 'j', { ...TWIN_JOB, jobId: 'k' }, 'ArgumentInvalid'],
    ['a type there is not', 'j', { ...TWIN_JOB, type: 'scheduleTwinUpdate' }, 'ArgumentInvalid'],
    ['no condition', 'j', { ...TWIN_JOB, queryCondition: ' ' }, 'ArgumentInvalid'],
    ['a condition with an error', 'j', { ...TWIN_JOB, queryCondition: 'deviceId ==' }, 'ArgumentInvalid'],
    ['no method', 'j', { ...TWIN_JOB, type: 'scheduleDeviceMethod' }, 'ArgumentInvalid'],
    ['a method without name', 'j', { ...METHOD_JOB, cloudToDeviceMethod: {} }, 'ArgumentInvalid'],
    ['a twin without anything to change', 'j', { ...TWIN_JOB, updateTwin: { etag: '*' } }, 'ArgumentInvalid'],
    ['a twin that breaks its rules', 'j', { ...TWIN_JOB, updateTwin: { tags: { 'a b': 1 } } }, 'ArgumentInvalid'],
    ['a start in words', 'j', { ...TWIN_JOB, startTime: 'tomorrow' }, 'ArgumentInvalid'],
    ['no time to run', 'j', { ...TWIN_JOB, maxExecutionTimeInSeconds: 0 }, 'ArgumentInvalid'],
  ])('refuses %s', async (_name, jobId, body, errorName) => {
    const hub = await aHubOf();
    expect(await refusal(createJob(hub, jobId, body))).toBe(errorName);
  });

  it('refuses an id that is taken, also by a job that has ended', async () => {
    const hub = await aHubOf();
    await createJob(hub, 'j', TWIN_JOB);
    await reach(hub, 'j', 'completed');
    expect(await refusal(createJob(hub, 'j', TWIN_JOB))).toBe('JobAlreadyExists');
  });

  it('forgets jobs thirty days after their end', async () => {
    const hub = await aHubOf('a');
    const day = 24 * 60 * 60 * 1000;
    await createJob(hub, 'j', TWIN_JOB);
    await reach(hub, 'j', 'completed');
    for (let days = 0; days < 30; days += 1) hub.clock.advance(day);
    expect(getJob(hub, 'j').status).toBe('completed');
    hub.clock.advance(day);
    expect(getJob(hub, 'j')).toEqual({ type: 'unknown', status: 'unknown' });
    expect(await parts(hub, 'j')).toEqual([]);
  });
});

describe(cancelJob.name, () => {
  it('calls off a job that waits', async () => {
    const hub = await aHubOf('a');
    await createJob(hub, 'j', { ...TWIN_JOB, startTime: utcText(START_MS + 1000) });
    expect(await cancelJob(hub, 'j')).toMatchObject({ status: 'cancelled', endTime: utcText(START_MS) });
    hub.clock.advance(10_000);
    await new Promise(setImmediate);
    expect(getTwin(hub, { deviceId: 'a' })).not.toHaveProperty('tags');
    expect(getJob(hub, 'j').status).toBe('cancelled');
  });

  it('calls off a job that runs, and lets the next one begin', async () => {
    const hub = await aHubOf('a', 'b');
    connect(hub, 'a');
    connect(hub, 'b', answerWith(hub, 'b', 200, ''));
    await createJob(hub, 'j', METHOD_JOB);
    await reach(hub, 'j', 'running');
    await until(async () => (await parts(hub, 'j'))[1]?.status === 'completed');
    const cancelled = await cancelJob(hub, 'j');
    expect(cancelled).toMatchObject({
      status: 'cancelled',
      deviceJobStatistics: { deviceCount: 2, succeededCount: 1 },
    });
    expect(await parts(hub, 'j')).toMatchObject([{ status: 'canceled' }, { status: 'completed' }]);
    await createJob(hub, 'next', TWIN_JOB);
    await reach(hub, 'next', 'completed');
    expect(getJob(hub, 'j')).toEqual(cancelled);
  });

  it('leaves a job that has ended as it is, and knows no other', async () => {
    const hub = await aHubOf();
    await createJob(hub, 'j', TWIN_JOB);
    const ended = await reach(hub, 'j', 'completed');
    expect(await cancelJob(hub, 'j')).toEqual(ended);
    expect(await refusal(cancelJob(hub, 'k'))).toBe('JobNotFound');
  });
});

describe(keepJobsRunning.name, () => {
  it('goes on after a restart: twins where it was, methods never twice', async () => {
    const hub = await aHubOf('a', 'b');
    const calls = connect(hub, 'a');
    connect(hub, 'b');
    await createJob(hub, 'methods', METHOD_JOB);
    await until(() => calls.length === 1);
    await createJob(hub, 'later', { ...TWIN_JOB, startTime: utcText(START_MS + 1000) });
    await hub.stop();
    expect(getJob(hub, 'methods').status).toBe('running');

    const next = restarted(hub);
    expect(await reach(next, 'methods', 'completed')).toMatchObject({ deviceJobStatistics: { failedCount: 2 } });
    expect(await parts(next, 'methods')).toMatchObject([
      { status: 'failed', error: { code: 'ServiceUnavailable' } },
      { status: 'failed', error: { code: 'ServiceUnavailable' } },
    ]);
    expect(calls).toHaveLength(1);
    next.clock.advance(1000);
    await reach(next, 'later', 'completed');
    expect(getTwin(next, { deviceId: 'b' })).toMatchObject({ tags: { a: 1 }, version: 3 });
  });

  it('changes no twin twice, however often it is stopped', async () => {
    const hub = await aHubOf();
    await hub.store.write(() => {
      const insert = hub.store.sql(
        "INSERT INTO identities (device_id, generation_id, etag, twin_etag) VALUES (?, '1', 'a', 'b')",
      );
      for (let index = 0; index < 350; index += 1) insert.run(`d${index}`);
    });
    await createJob(hub, 'j', TWIN_JOB);
    let current = hub;
    for (let stops = 0; stops < 5; stops += 1) {
      await new Promise(setImmediate);
      await current.stop();
      current = restarted(current);
    }
    expect((await reach(current, 'j', 'completed')).deviceJobStatistics).toMatchObject({ succeededCount: 350 });
    const { items } = await runQuery(current, {
      query: 'SELECT COUNT() AS n FROM devices WHERE version = 3',
      maxItemCount: 1,
    });
    expect(items).toEqual([{ n: 350 }]);
  });

  it('tries again later when the hub itself fails', async () => {
    const hub = await aHubOf('a');
    await createJob(hub, 'j', { ...TWIN_JOB, startTime: utcText(START_MS + 1000) });
    jest.spyOn(hub.store, 'write').mockRejectedValueOnce(new Error('The disk is full.'));
    hub.clock.advance(1000);
    await new Promise(setImmediate);
    expect(getJob(hub, 'j').status).toBe('queued');
    hub.clock.advance(10_000);
    await reach(hub, 'j', 'completed');
  });
});

describe(queryJobs.name, () => {
  it('lists the newest first, in pages, by type and status', async () => {
    const hub = await aHubOf();
    for (const [index, job] of [TWIN_JOB, METHOD_JOB, TWIN_JOB].entries()) {
      await createJob(hub, `j${index}`, job);
      await reach(hub, `j${index}`, 'completed');
    }
    await createJob(hub, 'later', { ...TWIN_JOB, startTime: utcText(START_MS + 60_000) });
    const list = (request: Partial<Parameters<typeof queryJobs>[1]>) => {
      const { items, ...page } = queryJobs(hub, { maxItemCount: 10, ...request });
      return { ...page, ids: items.map(({ jobId }) => jobId) };
    };
    expect(list({})).toEqual({ itemType: 'JobResponse', ids: ['later', 'j2', 'j1', 'j0'] });
    expect(list({ jobType: 'scheduleUpdateTwin', jobStatus: 'completed' }).ids).toEqual(['j2', 'j0']);
    expect(list({ jobStatus: 'SCHEDULED' }).ids).toEqual(['later']);
    expect(list({ jobType: 'export' }).ids).toEqual([]);
    const first = list({ maxItemCount: 3 });
    expect(first.ids).toEqual(['later', 'j2', 'j1']);
    const continuation = first.continuation ?? '';
    expect(list({ maxItemCount: 3, continuation })).toEqual({ itemType: 'JobResponse', ids: ['j0'] });
    expect(() => list({ continuation, jobStatus: 'running' })).toThrow('does not belong');
    expect(() => list({ jobStatus: 'finished' })).toThrow('jobStatus must be one of');
  });
});
