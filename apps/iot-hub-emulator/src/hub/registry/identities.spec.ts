import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import { HubError } from '../errors/hub-errors.js';
import { loadSubscriptions, saveSubscriptions } from '../connections/stored-subscriptions.js';
import type { DeviceConnection } from '../connections/device-connection.js';
import type { Identity } from '../identity.js';
import { getDeviceTwin, patchReported } from '../twins/device-twin.js';
import { changeTwin, getTwin } from '../twins/service-twin.js';
import { createIdentity, deleteIdentity, getIdentity, listModules, updateIdentity } from './identities.js';
import { deviceStatistics } from './statistics.js';

const DEVICE = { deviceId: 'd1' };
const MODULE = { deviceId: 'd1', moduleId: 'm1' };

async function errorOf(work: () => unknown): Promise<HubError> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof HubError) return cause;
    throw cause;
  }
  throw new Error('It was not refused.');
}

describe(updateIdentity.name, () => {
  let hub: TestHub;
  beforeEach(() => {
    hub = aHub();
  });
  afterEach(() => {
    hub.store.close();
  });

  it('leaves how a device proves itself alone when it is told nothing of it', async () => {
    const primaryThumbprint = 'A'.repeat(40);
    await createIdentity(hub, {
      ...DEVICE,
      authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint } },
    });
    const { authentication } = await updateIdentity(hub, { ...DEVICE, statusReason: 'moved' });
    expect(authentication).toMatchObject({ type: 'selfSigned', x509Thumbprint: { primaryThumbprint } });
  });

  it('makes the keys anew that it is given as empty texts, and keeps those that it is not given', async () => {
    const keysOf = ({ authentication }: object & { authentication?: unknown }) =>
      (authentication as { symmetricKey: Record<string, string> }).symmetricKey;
    const created = keysOf(await createIdentity(hub, DEVICE));
    const sas = (symmetricKey: object) => ({ ...DEVICE, authentication: { type: 'sas', symmetricKey } });
    expect(keysOf(await updateIdentity(hub, sas({})))).toEqual(created);
    const updated = keysOf(await updateIdentity(hub, sas({ primaryKey: '', secondaryKey: created.secondaryKey })));
    expect(updated.secondaryKey).toBe(created.secondaryKey);
    expect(updated.primaryKey).toMatch(/^\S{44}$/);
    expect(updated.primaryKey).not.toBe(created.primaryKey);
  });

  it('makes keys for a device that is to have some again', async () => {
    await createIdentity(hub, { ...DEVICE, authentication: { type: 'certificateAuthority' } });
    const { authentication } = await updateIdentity(hub, { ...DEVICE, authentication: { type: 'sas' } });
    expect(authentication).toMatchObject({
      type: 'sas',
      symmetricKey: { primaryKey: expect.stringMatching(/^\S{44}$/) },
    });
  });
});

describe('modules in the registry', () => {
  let hub: TestHub;
  beforeEach(async () => {
    hub = aHub();
    await createIdentity(hub, DEVICE);
  });
  afterEach(() => {
    hub.store.close();
  });

  it('have an identity of their own, without a status', async () => {
    const created = await createIdentity(hub, { ...MODULE, managedBy: 'somebody' });
    expect(created).toEqual({
      deviceId: 'd1',
      moduleId: 'm1',
      managedBy: 'somebody',
      generationId: expect.stringMatching(/^\d+$/),
      etag: expect.any(String),
      connectionState: 'Disconnected',
      connectionStateUpdatedTime: '0001-01-01T00:00:00Z',
      lastActivityTime: '0001-01-01T00:00:00Z',
      cloudToDeviceMessageCount: 0,
      authentication: {
        symmetricKey: { primaryKey: expect.any(String), secondaryKey: expect.any(String) },
        x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
        type: 'sas',
      },
    });
    expect(getIdentity(hub, MODULE)).toEqual(created);
    expect(listModules(hub, 'd1')).toEqual([created]);
    expect(getIdentity(hub, DEVICE).moduleId).toBeUndefined();
  });

  it('change by etag, and keep the keys that are left out', async () => {
    const { etag, authentication } = await createIdentity(hub, MODULE);
    const { code } = await errorOf(() => updateIdentity(hub, MODULE, '"bm8="'));
    expect(code).toBe((await errorOf(() => deleteIdentity(hub, MODULE, 'bm8='))).code);
    const updated = await updateIdentity(hub, { ...MODULE, managedBy: 'else' }, etag);
    expect(updated).toMatchObject({ managedBy: 'else', authentication });
    expect(updated.etag).not.toBe(etag);
  });

  it('are told apart from devices when they are not there, or are already', async () => {
    expect((await errorOf(() => getIdentity(hub, MODULE))).code).toBe(404010);
    expect((await errorOf(() => getIdentity(hub, { deviceId: 'd9', moduleId: 'm1' }))).code).toBe(404001);
    expect((await errorOf(() => createIdentity(hub, { deviceId: 'd9', moduleId: 'm1' }))).code).toBe(404001);
    await createIdentity(hub, MODULE);
    expect((await errorOf(() => createIdentity(hub, MODULE))).code).toBe(409301);
    expect((await errorOf(() => createIdentity(hub, { ...MODULE, moduleId: 'a b' }))).code).toBe(400004);
    expect((await errorOf(() => createIdentity(hub, { ...MODULE, moduleId: '' }))).code).toBe(400004);
  });

  it('are 50 a device at most', async () => {
    for (let index = 0; index < 50; index += 1) await createIdentity(hub, { deviceId: 'd1', moduleId: `m${index}` });
    expect((await errorOf(() => createIdentity(hub, { deviceId: 'd1', moduleId: 'm50' }))).code).toBe(413003);
    await createIdentity(hub, { deviceId: 'd2' });
    await createIdentity(hub, { deviceId: 'd2', moduleId: 'm50' });
    expect(deviceStatistics(hub)).toMatchObject({ totalDeviceCount: 2 });
  });

  it('have a twin of their own', async () => {
    await createIdentity(hub, MODULE);
    await changeTwin(hub, MODULE, { tags: { t: 1 }, properties: { desired: { a: 1 } } }, { mode: 'merge' });
    await patchReported(hub, MODULE, { r: 2 });
    expect(getDeviceTwin(hub, MODULE)).toEqual({ desired: { a: 1, $version: 2 }, reported: { r: 2, $version: 2 } });
    expect(getDeviceTwin(hub, DEVICE)).toEqual({ desired: { $version: 1 }, reported: { $version: 1 } });
    expect(getTwin(hub, MODULE)).toMatchObject({ ...MODULE, version: 4, tags: { t: 1 } });
    expect(getTwin(hub, DEVICE)).toMatchObject({ version: 2 });
    expect(getTwin(hub, DEVICE)).not.toHaveProperty('tags');
  });

  it('go with their device, and with all they had', async () => {
    await createIdentity(hub, MODULE);
    await createIdentity(hub, { deviceId: 'd2' });
    await createIdentity(hub, { deviceId: 'd2', moduleId: 'm1' });
    const filter = '$iothub/methods/POST/#';
    await saveSubscriptions(hub, MODULE, [{ filter, qos: 0 }]);
    await saveSubscriptions(hub, DEVICE, [{ filter, qos: 1 }]);
    const closed: unknown[] = [];
    for (const identity of [DEVICE, MODULE, { deviceId: 'd2', moduleId: 'm1' }]) {
      hub.connections.attach(aConnection(identity, (reason) => closed.push([identity, reason])));
    }
    await deleteIdentity(hub, DEVICE);
    expect(closed).toEqual(
      expect.arrayContaining([
        [DEVICE, 'deleted'],
        [MODULE, 'deleted'],
      ]),
    );
    expect(closed).toHaveLength(2);
    await createIdentity(hub, DEVICE);
    expect(listModules(hub, 'd1')).toEqual([]);
    expect([loadSubscriptions(hub, MODULE), loadSubscriptions(hub, DEVICE)]).toEqual([[], []]);
    expect(listModules(hub, 'd2')).toHaveLength(1);
  });

  it('lose their connection when their device is disabled', async () => {
    await createIdentity(hub, MODULE);
    const closed: unknown[] = [];
    hub.connections.attach(aConnection(MODULE, (reason) => closed.push(reason)));
    await updateIdentity(hub, { ...DEVICE, status: 'disabled' });
    expect(closed).toEqual(['disabled']);
  });
});

const aConnection = (identity: Identity, close: DeviceConnection['close']): DeviceConnection => ({
  identity,
  description: 'fake',
  listensTo: () => false,
  close,
  invokeMethod: () => undefined,
  desiredChanged: () => undefined,
  messagesWaiting: () => undefined,
});
