import { randomBytes } from 'node:crypto';
import type { Registry } from 'azure-iothub';
import { httpsCall } from '../support/https-call.js';
import { serviceToken } from '../support/service-token.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';

const altered = (
  device: Registry.DeviceDescription,
  changes: Partial<Registry.DeviceDescription>,
): Registry.DeviceDescription => ({ ...device, ...changes });

describe('the device registry, through azure-iothub', () => {
  let hub: TestIotHub;
  let registry: Registry;

  beforeEach(async () => {
    hub = await startTestIotHub();
    ({ registry } = hub);
  });
  afterEach(() => hub.close());

  it('creates a device with generated keys and gives it back', async () => {
    const { responseBody: created, httpResponse } = await registry.create({ deviceId: 'cam' });
    expect(httpResponse.statusCode).toBe(200);
    expect(created).toMatchObject({
      deviceId: 'cam',
      status: 'enabled',
      connectionState: 'Disconnected',
      lastActivityTime: '0001-01-01T00:00:00Z',
      cloudToDeviceMessageCount: 0,
      authentication: { type: 'sas' },
      capabilities: { iotEdge: false },
    });
    const { primaryKey = '', secondaryKey = '' } = created.authentication?.symmetricKey ?? {};
    expect(Buffer.from(primaryKey, 'base64')).toHaveLength(32);
    expect(secondaryKey).not.toBe(primaryKey);
    expect((await registry.get('cam')).responseBody).toEqual(created);
  });

  it('keeps the keys, status and reason it is given', async () => {
    const primaryKey = randomBytes(32).toString('base64');
    const secondaryKey = randomBytes(64).toString('base64');
    await registry.create({
      deviceId: 'cam',
      status: 'disabled',
      statusReason: 'being moved',
      authentication: { symmetricKey: { primaryKey, secondaryKey } },
    });
    expect((await registry.get('cam')).responseBody).toMatchObject({
      status: 'disabled',
      statusReason: 'being moved',
      authentication: { symmetricKey: { primaryKey, secondaryKey } },
    });
  });

  it('keeps thumbprints of a device that proves itself by certificate', async () => {
    const x509Thumbprint = { primaryThumbprint: 'A'.repeat(40), secondaryThumbprint: 'b'.repeat(64) };
    const { responseBody } = await registry.create({
      deviceId: 'x',
      authentication: { type: 'selfSigned', x509Thumbprint },
    });
    expect(responseBody.authentication).toMatchObject({ type: 'selfSigned', x509Thumbprint });
  });

  it.each(["a-b.c%d_e#f*g?h!i(j),k:l=m@n$o'", 'UPPER', '1', 'x'.repeat(128)])(
    'takes the device id %s and tells it from others by case',
    async (deviceId) => {
      await registry.create({ deviceId });
      expect((await registry.get(deviceId)).responseBody.deviceId).toBe(deviceId);
      expect((await registry.getTwin(deviceId)).responseBody.deviceId).toBe(deviceId);
      await registry.delete(deviceId);
      await expect(registry.get(deviceId)).rejects.toMatchObject({ name: 'DeviceNotFoundError' });
    },
  );

  it.each(['a b', 'a/b', 'ü', 'a\\b', 'a"b', 'a&b', 'x'.repeat(129)])('refuses the device id %j', async (deviceId) => {
    await expect(registry.create({ deviceId })).rejects.toMatchObject({ name: 'ArgumentError' });
  });

  it('updates a device with a new etag and the keys it had', async () => {
    const { responseBody: before } = await registry.create({ deviceId: 'cam' });
    const { responseBody: after } = await registry.update(
      altered(before, { status: 'disabled', statusReason: 'lost' }),
    );
    expect(after).toMatchObject({ status: 'disabled', statusReason: 'lost', authentication: before.authentication });
    expect(after.etag).not.toBe(before.etag);
    expect(after.generationId).toBe(before.generationId);
    expect(Date.parse(after.statusUpdatedTime ?? '')).toBeGreaterThan(Date.now() - 60_000);
  });

  it('makes new keys at an update that gives none, for which the SDK sends empty ones', async () => {
    const { responseBody: before } = await registry.create({ deviceId: 'cam' });
    const { responseBody: after } = await registry.update({ deviceId: 'cam', status: 'disabled' });
    const { primaryKey, secondaryKey } = after.authentication?.symmetricKey ?? {};
    expect(Buffer.from(primaryKey ?? '', 'base64')).toHaveLength(32);
    expect(primaryKey).not.toBe(before.authentication?.symmetricKey?.primaryKey);
    expect(secondaryKey).not.toBe(before.authentication?.symmetricKey?.secondaryKey);
  });

  it('gives a device made again under its name another generation', async () => {
    const { responseBody: first } = await registry.create({ deviceId: 'cam' });
    await registry.delete('cam');
    const { responseBody: second } = await registry.create({ deviceId: 'cam' });
    expect(second.generationId).not.toBe(first.generationId);
    expect(second.authentication?.symmetricKey?.primaryKey).not.toBe(first.authentication?.symmetricKey?.primaryKey);
  });

  it.each<[string, string, (registry: Registry) => Promise<unknown>]>([
    ['get of an unknown device', 'DeviceNotFoundError', (sut) => sut.get('nobody')],
    ['update of an unknown device', 'DeviceNotFoundError', (sut) => sut.update({ deviceId: 'nobody' })],
    ['delete of an unknown device', 'DeviceNotFoundError', (sut) => sut.delete('nobody')],
    ['create of a device there is', 'DeviceAlreadyExistsError', (sut) => sut.create({ deviceId: 'cam' })],
    [
      'a key that is no base64',
      'ArgumentError',
      (sut) => sut.create({ deviceId: 'a', authentication: { symmetricKey: { primaryKey: '!', secondaryKey: '!' } } }),
    ],
    [
      'a status that does not exist',
      'ArgumentError',
      (sut) => sut.create({ deviceId: 'a', status: 'asleep' as 'enabled' }),
    ],
  ])('%s is a %s', async (_name, name, call) => {
    await registry.create({ deviceId: 'cam' });
    await expect(call(registry)).rejects.toMatchObject({ name });
  });

  it('compares If-Match with the etag', async () => {
    const { responseBody: device } = await registry.create({ deviceId: 'cam' });
    const change = (method: string, ifMatch: string) =>
      httpsCall(hub.agent, {
        method,
        path: '/devices/cam?api-version=2021-04-12',
        headers: { authorization: serviceToken(hub), 'content-type': 'application/json', 'if-match': ifMatch },
        ...(method === 'PUT' && { body: JSON.stringify(device) }),
      });
    for (const method of ['PUT', 'DELETE']) {
      const reply = await change(method, '"AAAAAAAAAAA="');
      expect(reply.status).toBe(412);
      expect(reply.headers['iothub-errorcode']).toBe('PreconditionFailed');
      expect(JSON.parse(reply.body)).toMatchObject({
        Message: expect.stringMatching(/^ErrorCode:PreconditionFailed;/),
      });
    }
    const { status, body } = await change('PUT', `"${String(device.etag)}"`);
    expect(status).toBe(200);
    const { etag } = JSON.parse(body) as { etag: string };
    expect((await change('DELETE', `"${String(device.etag)}"`)).status).toBe(412);
    expect((await change('DELETE', etag)).status).toBe(204);
  });

  it('lists devices by id and counts them', async () => {
    for (const [deviceId, status] of [
      ['b', 'enabled'],
      ['c', 'disabled'],
      ['a', 'enabled'],
    ] as const) {
      await registry.create({ deviceId, status });
    }
    expect((await registry.list()).responseBody.map(({ deviceId }) => deviceId)).toEqual(['a', 'b', 'c']);
    expect((await registry.getRegistryStatistics()).responseBody).toEqual({
      totalDeviceCount: 3,
      enabledDeviceCount: 2,
      disabledDeviceCount: 1,
    });
  });

  describe('in bulk', () => {
    it('adds, updates and removes devices', async () => {
      const devices = Array.from({ length: 100 }, (_, index) => ({ deviceId: `d${index}` }));
      const added = await registry.addDevices(devices);
      expect(added.responseBody).toEqual({ isSuccessful: true, errors: [], warnings: [] });
      expect((await registry.list()).responseBody).toHaveLength(100);

      const { responseBody: listed } = await registry.list();
      const disabled = listed.slice(0, 3).map((device) => altered(device, { status: 'disabled' }));
      expect((await registry.updateDevices(disabled, true)).responseBody.isSuccessful).toBe(true);
      expect((await registry.getRegistryStatistics()).responseBody.disabledDeviceCount).toBe(3);

      const removed = await registry.removeDevices(devices, true);
      expect(removed.responseBody.isSuccessful).toBe(true);
      expect((await registry.list()).responseBody).toEqual([]);
    });

    it('names each device that failed and changes the others', async () => {
      await registry.create({ deviceId: 'old' });
      const call = registry.addDevices([{ deviceId: 'new' }, { deviceId: 'old' }, { deviceId: 'not allowed' }]);
      // A 400 is an error to the SDK; the outcome is its body.
      const error = (await call.then(
        () => undefined,
        (cause: unknown) => cause,
      )) as { responseBody: string; name: string };
      expect(error.name).toBe('ArgumentError');
      expect(JSON.parse(error.responseBody)).toMatchObject({
        isSuccessful: false,
        errors: [
          { deviceId: 'old', errorCode: 'DeviceAlreadyExists' },
          { deviceId: 'not allowed', errorCode: 'ArgumentInvalid' },
        ],
      });
      expect((await registry.list()).responseBody.map(({ deviceId }) => deviceId)).toEqual(['new', 'old']);
    });

    it('changes and removes with an etag what has not changed since', async () => {
      const { responseBody: seen } = await registry.create({ deviceId: 'cam' });
      await registry.update(altered(seen, { statusReason: 'changed meanwhile' }));
      await expect(registry.updateDevices([seen], false)).rejects.toMatchObject({ name: 'ArgumentError' });
      await expect(registry.removeDevices([seen], false)).rejects.toMatchObject({ name: 'ArgumentError' });
      const { responseBody: current } = await registry.get('cam');
      expect(current.statusReason).toBe('changed meanwhile');
      expect((await registry.removeDevices([current], false)).responseBody.isSuccessful).toBe(true);
    });

    it('refuses more than 100 devices and changes none', async () => {
      const devices = Array.from({ length: 101 }, (_, index) => ({ deviceId: `d${index}` }));
      await expect(registry.addDevices(devices)).rejects.toMatchObject({ name: 'ArgumentError' });
      expect((await registry.list()).responseBody).toEqual([]);
    });
  });
});
