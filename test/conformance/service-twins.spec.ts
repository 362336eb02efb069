import { promisify } from 'node:util';
import type { Twin as DeviceTwin } from 'azure-iot-device';
import type { Registry, Twin } from 'azure-iothub';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { serviceToken } from '../support/service-token.js';
import { until } from '../support/until.js';

describe('twins, through azure-iothub', () => {
  let hub: TestIotHub;
  let registry: Registry;

  beforeEach(async () => {
    hub = await startTestIotHub();
    ({ registry } = hub);
    await hub.addDevice('cam');
  });
  afterEach(() => hub.close());

  const getTwin = async (): Promise<Twin> => (await registry.getTwin('cam')).responseBody;
  const updateTwin = async (patch: object, etag = '*') => (await registry.updateTwin('cam', patch, etag)).responseBody;

  async function replaceTwin(twin: object, ifMatch = '*') {
    const reply = await httpsCall(hub.agent, {
      method: 'PUT',
      path: '/twins/cam?api-version=2021-04-12',
      headers: { authorization: serviceToken(hub), 'content-type': 'application/json', 'if-match': ifMatch },
      body: JSON.stringify(twin),
    });
    return { status: reply.status, body: JSON.parse(reply.body) as Record<string, unknown> };
  }

  it('begin empty, at version 2', async () => {
    const twin = await getTwin();
    expect(twin).toMatchObject({
      deviceId: 'cam',
      etag: 'AAAAAAAAAAE=',
      version: 2,
      status: 'enabled',
      connectionState: 'Disconnected',
      authenticationType: 'sas',
      capabilities: { iotEdge: false },
    });
    expect(twin.properties.desired).toMatchObject({ $version: 1, $metadata: { $lastUpdated: expect.any(String) } });
    expect(twin.properties.reported).toMatchObject({ $version: 1 });
  });

  it('merge a patch: null removes, objects merge, arrays are replaced', async () => {
    await updateTwin({
      tags: { site: { city: 'Oslo', floor: 2 }, list: [1, 2, 3], gone: true },
      properties: { desired: { a: { b: 1, c: 2 }, d: 'x' } },
    });
    const twin = await updateTwin({
      tags: { site: { floor: 3 }, list: [4], gone: null },
      properties: { desired: { a: { b: null, e: 5 } } },
    });
    expect(twin.tags).toEqual({ site: { city: 'Oslo', floor: 3 }, list: [4] });
    const { $metadata, $version, ...desired } = twin.properties.desired;
    expect(desired).toEqual({ a: { c: 2, e: 5 }, d: 'x' });
    expect($version).toBe(3);
    expect($metadata).toMatchObject({
      $lastUpdatedVersion: 3,
      a: { $lastUpdatedVersion: 3, c: { $lastUpdatedVersion: 2 }, e: { $lastUpdatedVersion: 3 } },
      d: { $lastUpdatedVersion: 2 },
    });
    expect(($metadata as { a: object }).a).not.toHaveProperty('b');
    expect(await getTwin()).toMatchObject({ version: 4, tags: twin.tags });
  });

  it('keep the version of desired properties when only tags change', async () => {
    const twin = await updateTwin({ tags: { a: 1 } });
    expect(twin.properties.desired.$version).toBe(1);
    expect(twin).toMatchObject({ version: 3 });
    expect(twin.etag).not.toBe('AAAAAAAAAAE=');
  });

  it('keep names that mean something to a program', async () => {
    // Over the wire: the SDK's own merge loses the first of them.
    const tags = JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"toString":"x","größe":2}') as object;
    const { body } = await replaceTwin({ tags });
    expect(JSON.stringify(body.tags)).toBe(JSON.stringify(tags));
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('are changed with an etag only if nobody else was faster', async () => {
    const seen = await getTwin();
    await updateTwin({ tags: { by: 'another' } });
    await expect(updateTwin({ tags: { by: 'me' } }, seen.etag)).rejects.toMatchObject({ name: 'InvalidEtagError' });
    const current = await getTwin();
    expect(current.tags).toEqual({ by: 'another' });
    await current.update({ tags: { by: 'me' } });
    expect((await getTwin()).tags).toEqual({ by: 'me' });
  });

  it('are replaced by PUT', async () => {
    await updateTwin({ tags: { a: 1, b: 2 }, properties: { desired: { x: 1, y: 2 } } });
    const { status, body } = await replaceTwin({ tags: { c: 3 }, properties: { desired: { z: 4 } } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ tags: { c: 3 } });
    const twin = await getTwin();
    expect(twin.tags).toEqual({ c: 3 });
    expect(Object.keys(twin.properties.desired).sort()).toEqual(['$metadata', '$version', 'z']);
    expect((await replaceTwin({ tags: {} }, '"AAAAAAAAAAE="')).status).toBe(412);
  });

  it('can be sent back as they were read', async () => {
    await updateTwin({ tags: { a: 1 }, properties: { desired: { x: 1 } } });
    const twin = await getTwin();
    const { status } = await replaceTwin(JSON.parse(JSON.stringify(twin.toJSON())) as object);
    expect(status).toBe(200);
    expect((await getTwin()).tags).toEqual({ a: 1 });
  });

  it.each<[string, object]>([
    ['a dot in a name', { tags: { 'a.b': 1 } }],
    ['a dollar in a name', { tags: { $a: 1 } }],
    ['a space in a name', { properties: { desired: { 'a b': 1 } } }],
    ['a control character in a name', { tags: { 'a\u0007': 1 } }],
    ['eleven levels', { tags: { a: { a: { a: { a: { a: { a: { a: { a: { a: { a: { a: { a: 1 } } } } } } } } } } } } }],
    ['a text of more than 4 KB', { tags: { a: 'x'.repeat(4097) } }],
    ['more than 8 KB of tags', { tags: { a: 'x'.repeat(4000), b: 'x'.repeat(4000), c: 'x'.repeat(300) } }],
    [
      'more than 32 KB of desired properties',
      { properties: { desired: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, 'x'.repeat(4000)])) } },
    ],
    ['tags that are a list', { tags: [1] }],
    ['properties that are a text', { properties: 'x' }],
  ])('refuse %s and stay as they were', async (_name, patch) => {
    await expect(updateTwin(patch)).rejects.toMatchObject({ name: 'ArgumentError' });
    expect((await getTwin()).etag).toBe('AAAAAAAAAAE=');
  });

  it('of an unknown device are a DeviceNotFoundError', async () => {
    await expect(registry.getTwin('nobody')).rejects.toMatchObject({ name: 'DeviceNotFoundError' });
    await expect(registry.updateTwin('nobody', { tags: {} }, '*')).rejects.toMatchObject({
      name: 'DeviceNotFoundError',
    });
  });

  it('show what the device reports, and the device what is desired', async () => {
    const device = await hub.device(hub.emulator.deviceConnectionString('cam'));
    await device.open();
    const deviceTwin: DeviceTwin = await device.getTwin();
    const heard: unknown[] = [];
    deviceTwin.on('properties.desired', (delta: unknown) => heard.push(structuredClone(delta)));

    const reported = deviceTwin.properties.reported as { update(patch: object, done: (error?: Error) => void): void };
    await promisify(reported.update.bind(reported))({ level: 5, modes: ['a'] });
    const twin = await updateTwin({ properties: { desired: { rate: 60 } } });
    expect(twin.properties.reported).toMatchObject({ level: 5, modes: ['a'], $version: 2 });
    // A report counts for the twin's version, and leaves the etag that services go by alone.
    expect(twin).toMatchObject({ version: 4, etag: 'AAAAAAAAAAI=' });
    expect(twin.properties.reported.$metadata).toMatchObject({ level: { $lastUpdated: expect.any(String) } });
    // First what was there at the beginning, then the change.
    await until(() => heard.length === 2, 'desired properties');
    expect(heard).toEqual([{ $version: 1 }, { rate: 60, $version: 2 }]);

    await updateTwin({ properties: { desired: null } });
    await until(() => heard.length === 3, 'that there are none any more');
    expect(heard[2]).toEqual({ rate: null, $version: 3 });
    expect(deviceTwin.properties.desired).toEqual({ $version: 3 });
  });

  it('leave reported properties alone when services write them', async () => {
    await updateTwin({ properties: { reported: { faked: true } } });
    expect((await getTwin()).properties.reported).not.toHaveProperty('faked');
  });
});
