import type { Configuration, Registry } from 'azure-iothub';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { serviceToken } from '../support/service-token.js';

/** What the service SDK makes of a refusal. */
type RestError = Error & { response?: { statusCode: number; headers: Record<string, string> }; responseBody?: string };

const aConfiguration = (parts: Partial<Configuration> = {}): Configuration => ({
  id: 'fans',
  schemaVersion: '1.0',
  content: { deviceContent: { 'properties.desired.fan': { speed: 3 } } },
  targetCondition: "tags.site='north'",
  priority: 10,
  labels: { owner: 'climate' },
  metrics: { queries: { fast: 'SELECT deviceId FROM devices WHERE properties.reported.speed = 3' } },
  ...parts,
});

describe('configurations, through azure-iothub', () => {
  let hub: TestIotHub;
  let registry: Registry;

  beforeAll(async () => {
    hub = await startTestIotHub();
    ({ registry } = hub);
    await registry.addDevices(['a', 'b'].map((deviceId) => ({ deviceId, tags: { site: 'north' } })));
  });
  afterAll(() => hub.close());

  async function refusal(work: Promise<unknown>): Promise<{ status: number | undefined; error: string | undefined }> {
    const { response } = await work.then(
      () => Promise.reject(new Error('It was answered.')),
      (cause: unknown) => cause as RestError,
    );
    return { status: response?.statusCode, error: response?.headers['iothub-errorcode'] };
  }

  it('are kept, changed with their etag, listed and removed', async () => {
    const { responseBody: created } = await registry.addConfiguration(aConfiguration());
    expect(created).toMatchObject({
      ...aConfiguration(),
      metrics: { results: { fast: 0 } },
      systemMetrics: { results: { targetedCount: 2, appliedCount: 0 } },
      etag: 'MQ==',
    });
    expect((await registry.getConfiguration('fans')).responseBody).toEqual(created);

    const { responseBody: updated } = await registry.updateConfiguration({ ...created, priority: 11 });
    expect(updated).toMatchObject({ priority: 11, etag: 'Mg==' });
    expect(await refusal(registry.updateConfiguration({ ...created, priority: 12 }))).toEqual({
      status: 412,
      error: 'PreconditionFailed',
    });
    await registry.updateConfiguration({ ...created, priority: 13 }, true);
    expect((await registry.getConfiguration('fans')).responseBody.priority).toBe(13);

    await registry.addConfiguration(aConfiguration({ id: 'all', targetCondition: '*' }));
    const { responseBody: list } = (await registry.getConfigurations()) as unknown as { responseBody: Configuration[] };
    expect(list.map(({ id }) => id)).toEqual(['all', 'fans']);
    await registry.removeConfiguration('all');
    expect(await refusal(registry.getConfiguration('all'))).toEqual({ status: 404, error: 'ConfigurationNotFound' });
  });

  it('do not touch devices', async () => {
    const { responseBody } = await registry.getTwin('a');
    expect(responseBody.properties.desired).not.toHaveProperty('fan');
    expect(responseBody.etag).toBe('AAAAAAAAAAE=');
  });

  it('are refused when they are taken or not allowed', async () => {
    expect(await refusal(registry.addConfiguration(aConfiguration()))).toEqual({
      status: 409,
      error: 'ConfigurationAlreadyExists',
    });
    const refused: [Partial<Configuration>, string][] = [
      [{ targetCondition: 'tags.site == 1' }, 'InvalidConfigurationTargetCondition'],
      [{ content: {} }, 'InvalidConfigurationContent'],
      [{ metrics: { queries: { bad: 'SELECT' } } }, 'InvalidConfigurationCustomMetricsQuery'],
      [{ priority: -1 }, 'ArgumentInvalid'],
    ];
    for (const [parts, error] of refused) {
      expect(await refusal(registry.addConfiguration(aConfiguration({ id: 'new', ...parts })))).toEqual({
        status: 400,
        error,
      });
    }
  });

  it('have their queries tested beforehand', async () => {
    const reply = await httpsCall(hub.agent, {
      method: 'POST',
      path: '/configurations/testQueries?api-version=2021-04-12',
      headers: { authorization: serviceToken(hub), 'content-type': 'application/json' },
      body: JSON.stringify({ targetCondition: 'tags.a =', customMetricQueries: { m: 'SELECT * FROM devices' } }),
    });
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.body)).toEqual({
      targetConditionError: expect.stringContaining('at character 9'),
      customMetricQueryErrors: {},
    });
  });

  it('cannot be applied to a device that is not an Edge device', async () => {
    const content = { modulesContent: { $edgeAgent: { 'properties.desired': {} } } };
    expect(await refusal(registry.applyConfigurationContentOnDevice('a', content))).toEqual({
      status: 400,
      error: 'ArgumentInvalid',
    });
    expect(await refusal(registry.applyConfigurationContentOnDevice('z', content))).toEqual({
      status: 404,
      error: 'DeviceNotFound',
    });
  });
});
