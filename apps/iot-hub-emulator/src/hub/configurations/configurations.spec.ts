import { aHub, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { utcText } from '../clock.js';
import { HubError } from '../errors/hub-errors.js';
import type { JsonObject } from '../json.js';
import { createIdentity } from '../registry/identities.js';
import { patchReported } from '../twins/device-twin.js';
import { changeTwin } from '../twins/service-twin.js';
import { testConfigurationQueries } from './configuration-queries.js';
import {
  applyConfigurationContent,
  createConfiguration,
  deleteConfiguration,
  getConfiguration,
  listConfigurations,
  updateConfiguration,
} from './configurations.js';

const CONTENT = { deviceContent: { 'properties.desired.fan': { speed: 3 } } };

let hub: TestHub;
beforeEach(async () => {
  hub = aHub();
  for (const [deviceId, site] of Object.entries({ a: 'north', b: 'south', c: 'north' })) {
    await createIdentity(hub, { deviceId });
    await changeTwin(hub, { deviceId }, { tags: { site } }, { mode: 'merge' });
  }
});
afterEach(() => {
  hub.store.close();
});

async function refusal(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof HubError) return cause.errorName;
    throw cause;
  }
  return 'nothing';
}

describe(createConfiguration.name, () => {
  it('keeps a configuration and gives it back with metrics of now', async () => {
    const created = await createConfiguration(hub, 'fans', {
      id: 'fans',
      schemaVersion: '1.0',
      labels: { Owner: 'Climate' },
      content: { ...CONTENT, modulesContent: {} },
      targetCondition: "tags.site='north'",
      priority: 10,
      metrics: { queries: { fast: 'SELECT deviceId FROM devices WHERE properties.reported.speed = 3' } },
    });
    expect(created).toEqual({
      id: 'fans',
      schemaVersion: '1.0',
      labels: { Owner: 'Climate' },
      content: CONTENT,
      targetCondition: "tags.site='north'",
      createdTimeUtc: utcText(START_MS),
      lastUpdatedTimeUtc: utcText(START_MS),
      priority: 10,
      systemMetrics: {
        results: { targetedCount: 2, appliedCount: 0 },
        queries: {
          targetedCount: "select deviceId from devices where tags.site='north'",
          appliedCount: "select deviceId from devices where configurations.[[fans]].status = 'Applied'",
        },
      },
      metrics: {
        results: { fast: 0 },
        queries: { fast: 'SELECT deviceId FROM devices WHERE properties.reported.speed = 3' },
      },
      etag: 'MQ==',
    });
    await patchReported(hub, { deviceId: 'b' }, { speed: 3 });
    expect(getConfiguration(hub, 'fans')).toMatchObject({ metrics: { results: { fast: 1 } } });
  });

  it.each<[string, string, number]>([
    ['*', 'deviceContent', 3],
    ['', 'deviceContent', 0],
    ["deviceId IN ['a', 'b']", 'deviceContent', 2],
    ["tags.site = 'north' AND NOT deviceId = 'a'", 'deviceContent', 1],
    ['from devices.modules', 'moduleContent', 2],
    ["FROM devices.modules WHERE moduleId = 'lens'", 'moduleContent', 1],
  ])('counts the targets of "%s" as %s', async (targetCondition, kind, targetedCount) => {
    for (const moduleId of ['lens', 'agent']) await createIdentity(hub, { deviceId: 'a', moduleId });
    const content = { [kind]: { 'properties.desired.x': 1 } };
    const created = await createConfiguration(hub, 'c', { content, targetCondition });
    expect(created.systemMetrics).toMatchObject({ results: { targetedCount } });
  });

  it('counts all devices by a metric that selects everything from nowhere', async () => {
    const { metrics } = await createConfiguration(hub, 'all', {
      content: CONTENT,
      metrics: { queries: { all: 'select *', named: 'SELECT * FROM devices' } },
    });
    const { results, queries } = metrics as { results: Record<string, number>; queries: object };
    expect(queries).toMatchObject({ all: 'select *' });
    expect(results.all).toBe(results.named);
    expect(results.all).toBeGreaterThan(0);
  });

  it('has no labels when it was given none', async () => {
    expect(await createConfiguration(hub, 'plain', { content: CONTENT })).toMatchObject({ labels: null });
    expect(await createConfiguration(hub, 'empty', { content: CONTENT, labels: {} })).toMatchObject({ labels: {} });
  });

  it('gives queries of its metrics that run', async () => {
    const targetConditions = [
      '*',
      "tags.site='north'",
      'from devices.modules',
      'from devices.modules where tags.a = 1',
    ];
    for (const [index, targetCondition] of targetConditions.entries()) {
      const kind = targetCondition.startsWith('from') ? 'moduleContent' : 'deviceContent';
      const content = { [kind]: { 'properties.desired.x': 1 } };
      const { systemMetrics } = await createConfiguration(hub, `c${index}`, { content, targetCondition });
      const { queries } = systemMetrics as { queries: Record<string, string> };
      expect(testConfigurationQueries({ customMetricQueries: queries })).toEqual({ customMetricQueryErrors: {} });
    }
  });

  it.each<[string, string, JsonObject, string]>([
    ['capital letters in the id', 'Fans', { content: CONTENT }, 'ArgumentInvalid'],
    ['an id of 129 characters', 'f'.repeat(129), { content: CONTENT }, 'ArgumentInvalid'],
    ['another id than the path’s', 'fans', { id: 'fan', content: CONTENT }, 'ArgumentInvalid'],
    ['a negative priority', 'fans', { content: CONTENT, priority: -1 }, 'ArgumentInvalid'],
    ['labels that are no texts', 'fans', { content: CONTENT, labels: { a: 1 } }, 'ArgumentInvalid'],
    [
      'six metrics',
      'fans',
      {
        content: CONTENT,
        metrics: {
          queries: Object.fromEntries(Array.from({ length: 6 }, (_, index) => [`m${index}`, 'SELECT * FROM devices'])),
        },
      },
      'ArgumentInvalid',
    ],
    ['no content', 'fans', {}, 'InvalidConfigurationContent'],
    ['empty content', 'fans', { content: { deviceContent: {} } }, 'InvalidConfigurationContent'],
    [
      'content of two kinds',
      'fans',
      { content: { ...CONTENT, modulesContent: { $edgeAgent: {} } } },
      'InvalidConfigurationContent',
    ],
    ['Edge modules without agent', 'fans', { content: { modulesContent: { a: {} } } }, 'InvalidConfigurationContent'],
    ['settings of tags', 'fans', { content: { deviceContent: { 'tags.a': 1 } } }, 'InvalidConfigurationContent'],
    [
      'a target with an error',
      'fans',
      { content: CONTENT, targetCondition: 'tags.site ==' },
      'InvalidConfigurationTargetCondition',
    ],
    [
      'a target that asks for desired properties',
      'fans',
      { content: CONTENT, targetCondition: 'NOT is_defined(properties.desired.a)' },
      'InvalidConfigurationTargetCondition',
    ],
    [
      'a target of modules for devices',
      'fans',
      { content: CONTENT, targetCondition: 'FROM devices.modules' },
      'InvalidConfigurationTargetCondition',
    ],
    [
      'a metric with an error',
      'fans',
      { content: CONTENT, metrics: { queries: { bad: 'SELECT' } } },
      'InvalidConfigurationCustomMetricsQuery',
    ],
  ])('refuses %s', async (_name, id, body, errorName) => {
    expect(await refusal(() => createConfiguration(hub, id, body))).toBe(errorName);
  });

  it('refuses an id that is taken, and the hundred and first', async () => {
    for (let index = 0; index < 100; index += 1) await createConfiguration(hub, `c${index}`, { content: CONTENT });
    expect(await refusal(() => createConfiguration(hub, 'c7', { content: CONTENT }))).toBe(
      'ConfigurationAlreadyExists',
    );
    expect(await refusal(() => createConfiguration(hub, 'c100', { content: CONTENT }))).toBe(
      'ConfigurationCountLimitExceeded',
    );
    expect(await listConfigurations(hub)).toHaveLength(100);
    expect((await listConfigurations(hub, 2)).map(({ id }) => id)).toEqual(['c0', 'c1']);
    await deleteConfiguration(hub, 'c7');
    expect(await refusal(() => createConfiguration(hub, 'c100', { content: CONTENT }))).toBe('nothing');
  });
});

describe(updateConfiguration.name, () => {
  it('changes all but the content, which it keeps silently', async () => {
    await createConfiguration(hub, 'fans', { content: CONTENT, priority: 1, targetCondition: '*' });
    hub.clock.advance(1000);
    const other = { deviceContent: { 'properties.desired.fan': { speed: 9 } } };
    const updated = await updateConfiguration(
      hub,
      'fans',
      { content: other, priority: 2, targetCondition: "deviceId = 'a'", labels: { a: 'b' } },
      '"MQ=="',
    );
    expect(updated).toMatchObject({
      content: CONTENT,
      priority: 2,
      labels: { a: 'b' },
      createdTimeUtc: utcText(START_MS),
      lastUpdatedTimeUtc: utcText(START_MS + 1000),
      systemMetrics: { results: { targetedCount: 1 } },
      etag: 'Mg==',
    });
    expect(getConfiguration(hub, 'fans')).toEqual(updated);
  });

  it('minds the etag', async () => {
    const update = (ifMatch: string, id = 'fans') =>
      refusal(() => updateConfiguration(hub, id, { content: CONTENT }, ifMatch));
    await createConfiguration(hub, 'fans', { content: CONTENT });
    expect(await update('"MQ=="')).toBe('nothing');
    expect(await update('"MQ=="')).toBe('PreconditionFailed');
    expect(await update('Mg==')).toBe('nothing');
    expect(await update('*')).toBe('nothing');
    expect(await update('"*"')).toBe('nothing');
    expect(await update('*', 'none')).toBe('ConfigurationNotFound');
    expect(await refusal(() => deleteConfiguration(hub, 'fans', '"MQ=="'))).toBe('PreconditionFailed');
    expect(await refusal(() => deleteConfiguration(hub, 'fans'))).toBe('nothing');
    expect(await refusal(() => deleteConfiguration(hub, 'fans'))).toBe('ConfigurationNotFound');
    expect(await refusal(() => getConfiguration(hub, 'fans'))).toBe('ConfigurationNotFound');
  });
});

describe(testConfigurationQueries.name, () => {
  it('says what is wrong, and nothing of what is right', () => {
    expect(
      testConfigurationQueries({
        targetCondition: 'tags.a = ',
        customMetricQueries: { good: 'SELECT COUNT() AS n FROM devices', bad: 'SELECT * FROM users' },
      }),
    ).toEqual({
      targetConditionError: expect.stringContaining('at character 10'),
      customMetricQueryErrors: { bad: expect.stringContaining('there is no collection users') },
    });
    expect(testConfigurationQueries({ targetCondition: "tags.a = 'b'" })).toEqual({ customMetricQueryErrors: {} });
  });
});

describe(applyConfigurationContent.name, () => {
  it('refuses a device that is not an Edge device, as every device here', async () => {
    const content = { modulesContent: { $edgeAgent: { 'properties.desired': {} } } };
    expect(await refusal(() => applyConfigurationContent(hub, 'a', content))).toBe('ArgumentInvalid');
    expect(await refusal(() => applyConfigurationContent(hub, 'a', {}))).toBe('InvalidConfigurationContent');
    expect(await refusal(() => applyConfigurationContent(hub, 'z', content))).toBe('DeviceNotFound');
  });
});
