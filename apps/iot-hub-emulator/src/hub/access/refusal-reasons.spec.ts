import { createHmac } from 'node:crypto';
import { aHub, aToken, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { HubError } from '../errors/hub-errors.js';
import type { Identity } from '../identity.js';
import { createIdentity, updateIdentity } from '../registry/identities.js';
import { authenticateDevice } from './authenticate-device.js';
import { authorizeEventHub } from './authorize-event-hub.js';
import { authorizeService } from './authorize-service.js';
import { proveToken } from './prove-token.js';

const SECOND_MS = 1000;
const HOUR_MS = 60 * 60 * SECOND_MS;
const IN_AN_HOUR = START_MS + HOUR_MS;
const KEY = Buffer.alloc(32, 1).toString('base64');
const KEYS = {
  cam: KEY,
  camSecondary: Buffer.alloc(32, 2).toString('base64'),
  module: Buffer.alloc(32, 3).toString('base64'),
  other: Buffer.alloc(32, 4).toString('base64'),
  stranger: Buffer.alloc(32, 9).toString('base64'),
};
const CAM = { deviceId: 'cam' };
const MODULE = { deviceId: 'cam', moduleId: 'm1' };
const CAM_RESOURCE = encodeURIComponent('localhost/devices/cam');
const MODULE_RESOURCE = encodeURIComponent('localhost/devices/cam/modules/m1');

/** A token signed with the key's text in place of the bytes it stands for. */
function tokenByText(resource: string, key: string, policyName?: string): string {
  const expiry = Math.floor(IN_AN_HOUR / SECOND_MS);
  const signature = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest('base64');
  const policy = policyName === undefined ? '' : `&skn=${policyName}`;
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}${policy}`;
}

describe('the reason why a client is refused', () => {
  let hub: TestHub;
  const policyKey = (policy: string) => hub.policies.find(({ name }) => name === policy)?.primaryKey ?? '';
  beforeEach(async () => {
    hub = aHub();
    const keys = (primaryKey: string, secondaryKey: string) => ({ symmetricKey: { primaryKey, secondaryKey } });
    await createIdentity(hub, { ...CAM, authentication: keys(KEYS.cam, KEYS.camSecondary) });
    await createIdentity(hub, { ...MODULE, authentication: keys(KEYS.module, '') });
    await createIdentity(hub, { deviceId: 'other', authentication: keys(KEYS.other, '') });
  });
  afterEach(() => {
    hub.store.close();
  });

  const reasonOf = (work: () => unknown): string => {
    try {
      work();
    } catch (cause) {
      if (cause instanceof HubError) {
        expect(cause.message).toMatch(/^(Unauthorized|The device is disabled\.)$/);
        return cause.reason;
      }
      throw cause;
    }
    return 'none';
  };
  const forDevice = (token: string | undefined, identity: Identity = CAM) =>
    reasonOf(() => authenticateDevice(hub, identity, { token }));

  it.each([
    [4 * SECOND_MS, '4 s'],
    [119 * SECOND_MS, '119 s'],
    [2 * 60 * SECOND_MS, '2 min'],
    [2 * HOUR_MS + 59 * SECOND_MS, '2 h'],
    [3 * 24 * HOUR_MS, '3 days'],
    [0, '0 s'],
  ])('says by how much a token has expired: %d ms', (lateMs, text) => {
    expect(forDevice(aToken(CAM_RESOURCE, KEYS.cam, START_MS - lateMs))).toBe(`the token has expired by ${text}`);
  });

  it.each<[name: string, reason: string, token: () => string | undefined, identity?: Identity]>([
    ['none', 'there is no token', () => undefined],
    ['an empty one', 'there is no token', () => ' '],
    [
      'one of Entra ID',
      'the token is not a shared access signature: Entra ID tokens are not implemented',
      () => 'Bearer eyJhbGciOiJub25lIn0.e30.',
    ],
    [
      'one that is cut short',
      'the token is not a shared access signature: its expiry (se) is not in whole seconds since 1970',
      () => aToken(CAM_RESOURCE, KEYS.cam, IN_AN_HOUR).replace(/&se.*/, ''),
    ],
    [
      'one for another hub',
      'the token is for another resource than this device: "elsewhere.azure-devices.net" is no name of this hub',
      () => aToken('elsewhere.azure-devices.net%2Fdevices%2Fcam', KEYS.cam, IN_AN_HOUR),
    ],
    [
      'one for the whole hub',
      'the token is for another resource than this device: it names the hub alone',
      () => aToken('localhost', KEYS.cam, IN_AN_HOUR),
    ],
    [
      'one for another device',
      'the token is for another resource than this device: it names device "other"',
      () => aToken('localhost%2Fdevices%2Fother', KEYS.other, IN_AN_HOUR),
    ],
    [
      'one for a module',
      'the token is for another resource than this device: it names module "m1" of the device',
      () => aToken(MODULE_RESOURCE, KEYS.module, IN_AN_HOUR),
    ],
    [
      'one for another module',
      'the token is for another resource than this module: it names module "m2" of the device',
      () => aToken(MODULE_RESOURCE.replace('m1', 'm2'), KEYS.module, IN_AN_HOUR),
      MODULE,
    ],
    [
      'one of a device that is not there',
      'there is no such device',
      () => aToken('x', KEY, IN_AN_HOUR),
      { deviceId: 'x' },
    ],
    [
      'one of a module that is not there',
      'there is no such module',
      () => aToken(MODULE_RESOURCE, KEYS.module, IN_AN_HOUR),
      { deviceId: 'cam', moduleId: 'm9' },
    ],
    [
      'one of a module of a device that is not there',
      'there is no such device',
      () => aToken(MODULE_RESOURCE, KEYS.module, IN_AN_HOUR),
      { deviceId: 'x', moduleId: 'm1' },
    ],
    [
      "a stranger's",
      "the token is not signed with this device's keys",
      () => aToken(CAM_RESOURCE, KEYS.stranger, IN_AN_HOUR),
    ],
    [
      "another device's",
      "the token is not signed with this device's keys, but with a key of device other",
      () => aToken(CAM_RESOURCE, KEYS.other, IN_AN_HOUR),
    ],
    [
      "its module's",
      "the token is not signed with this device's keys, but with a key of device cam, module m1",
      () => aToken(CAM_RESOURCE, KEYS.module, IN_AN_HOUR),
    ],
    [
      "its device's",
      "the token is not signed with this module's keys, but with a key of device cam",
      () => aToken(MODULE_RESOURCE, KEYS.camSecondary, IN_AN_HOUR),
      MODULE,
    ],
    [
      "a policy's, without naming it",
      "the token is not signed with this device's keys, but with a key of policy device, without naming it",
      () => aToken(CAM_RESOURCE, policyKey('device'), IN_AN_HOUR),
    ],
    [
      "the text of its key's",
      "the token is not signed with this device's keys, but with the text of the key: its base64 has to be decoded first",
      () => tokenByText(CAM_RESOURCE, KEYS.cam),
    ],
    [
      'one of a policy that is not there',
      'the token names no shared access policy of this hub',
      () => aToken('localhost', KEY, IN_AN_HOUR, 'nobody'),
    ],
    [
      "one of a policy with another's key",
      'the token is not signed with the keys of the policy it names, but with a key of policy service',
      () => aToken('localhost', policyKey('service'), IN_AN_HOUR, 'device'),
    ],
    [
      'one of a policy that may do something else',
      'policy service has no right DeviceConnect',
      () => aToken('localhost', policyKey('service'), IN_AN_HOUR, 'service'),
    ],
  ])('of a device with a token: %s', (_name, reason, token, identity = CAM) => {
    expect(forDevice(token(), identity)).toBe(reason);
  });

  it('tells keys that were replaced, up to the last but one time', async () => {
    const rotate = (primaryKey: string, secondaryKey: string) =>
      updateIdentity(hub, { ...CAM, authentication: { symmetricKey: { primaryKey, secondaryKey } } });
    const replaced = "the token is not signed with this device's keys, but with one that has been replaced";
    const old = aToken(CAM_RESOURCE, KEYS.cam, IN_AN_HOUR);
    await rotate(KEYS.camSecondary, KEYS.cam);
    expect(forDevice(old)).toBe('none');
    await rotate(KEYS.camSecondary, KEYS.stranger);
    expect(forDevice(old)).toBe(replaced);
    await updateIdentity(hub, { ...CAM, statusReason: 'still the same' });
    expect(forDevice(old)).toBe(replaced);
    await rotate(KEYS.cam, KEYS.stranger);
    expect(forDevice(old)).toBe('none');
    expect(forDevice(aToken(CAM_RESOURCE, KEYS.camSecondary, IN_AN_HOUR))).toBe(replaced);
  });

  it('of a disabled device, and of its modules', async () => {
    await updateIdentity(hub, { ...CAM, status: 'disabled' });
    expect(forDevice(aToken(CAM_RESOURCE, KEYS.cam, IN_AN_HOUR))).toBe('the device is disabled');
    expect(forDevice(aToken(MODULE_RESOURCE, KEYS.module, IN_AN_HOUR), MODULE)).toBe('the device is disabled');
    // Who has not proven to be it learns nothing of it.
    expect(forDevice(aToken(CAM_RESOURCE, KEYS.stranger, IN_AN_HOUR))).toContain('not signed');
  });

  it('of a service', () => {
    const demand = { rights: ['RegistryWrite'] as const };
    const forService = (token: string | undefined) =>
      reasonOf(() => {
        authorizeService(hub, token, demand);
      });
    const owner = policyKey('iothubowner');
    expect(forService(undefined)).toBe('there is no Authorization header');
    expect(forService(aToken('localhost', owner, START_MS - 4000, 'iothubowner'))).toBe('the token has expired by 4 s');
    expect(forService(aToken('localhost', owner, IN_AN_HOUR))).toBe('the token names no shared access policy');
    expect(forService(aToken('elsewhere', owner, IN_AN_HOUR, 'iothubowner'))).toContain('does not name this hub');
    expect(forService(tokenByText('localhost', owner, 'iothubowner'))).toContain('but with the text of the key');
    expect(forService(aToken('localhost', policyKey('service'), IN_AN_HOUR, 'service'))).toBe(
      'policy service lacks RegistryWrite',
    );
  });

  it('of a reader of the built-in endpoint', () => {
    const resource = encodeURIComponent('sb://localhost/testhub');
    const forReader = (token: string) =>
      reasonOf(() => {
        authorizeEventHub(hub, token, ['testhub']);
      });
    expect(forReader(aToken('localhost', policyKey('service'), IN_AN_HOUR, 'service'))).toContain(
      'not for an Event Hubs',
    );
    expect(forReader(aToken(resource, policyKey('service'), IN_AN_HOUR, 'service'))).toBe(
      "the token is not signed with the keys of the policy it names, but with the key's base64 decoded: Event Hubs clients take its text as it is",
    );
    expect(forReader(tokenByText(resource, policyKey('device'), 'device'))).toBe('policy device lacks ServiceConnect');
    expect(forReader(tokenByText(resource, policyKey('service'), 'service'))).toBe('none');
  });

  it('of a token that is presented ahead of its use', () => {
    const forToken = (token: string) => reasonOf(() => proveToken(hub, token));
    expect(forToken(aToken('elsewhere', policyKey('service'), IN_AN_HOUR, 'service'))).toBe(
      'the token is for another hub',
    );
    expect(forToken(aToken('localhost', policyKey('service'), IN_AN_HOUR))).toContain('neither a policy nor a device');
    expect(forToken(aToken(CAM_RESOURCE, KEYS.other, IN_AN_HOUR))).toContain('with a key of device other');
    expect(forToken(aToken(CAM_RESOURCE, KEYS.cam, IN_AN_HOUR))).toBe('none');
  });

  it('does not go through all devices of a large hub', async () => {
    await hub.store.write(() => {
      for (let index = 0; index < 2000; index += 1) {
        hub.store
          .sql(
            `INSERT INTO identities (device_id, generation_id, etag, twin_etag, primary_key) VALUES (?, '1', '', '', ?)`,
          )
          .run(`a${index}`, Buffer.from(`key ${index}`.padEnd(32)).toString('base64'));
      }
    });
    expect(forDevice(aToken(CAM_RESOURCE, KEYS.module, IN_AN_HOUR))).toContain('device cam, module m1');
    expect(forDevice(aToken(CAM_RESOURCE, KEYS.other, IN_AN_HOUR))).toBe(
      "the token is not signed with this device's keys",
    );
  });

  it('is looked for no more when refused tokens come in floods, until the next second', () => {
    const token = aToken(CAM_RESOURCE, KEYS.other, IN_AN_HOUR);
    const reasons = Array.from({ length: 30 }, () => forDevice(token));
    expect(reasons.filter((reason) => reason.endsWith('with a key of device other'))).toHaveLength(20);
    expect(reasons.at(-1)).toBe("the token is not signed with this device's keys");
    hub.clock.advance(SECOND_MS);
    expect(forDevice(token)).toContain('with a key of device other');
  });
});
