import { createHmac, X509Certificate } from 'node:crypto';
import { Agent } from 'node:https';
import { aCertificate, type TestCertificate } from '../../apps/iot-hub-emulator/test-support/certificates.js';
import { developmentPolicies } from '../../apps/iot-hub-emulator/src/hub/access/policies.js';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { openTls, RawMqtt } from '../support/raw-mqtt.js';
import { sasToken } from '../support/sas.js';
import { until } from '../support/until.js';
import { amqpOver } from '../torture/support/amqp-client.js';

/** What a client proves itself with. */
interface Shown {
  readonly token?: string;
  readonly certificate?: Certificate;
}

type Certificate = Pick<TestCertificate, 'cert' | 'key'>;

const DAY_MS = 24 * 60 * 60 * 1000;
const keyOf = (seed: string): string => createHmac('sha256', 'identity').update(seed).digest('base64');
const policyKey = (policy: string): string =>
  developmentPolicies().find(({ name }) => name === policy)?.primaryKey ?? '';

let hub: TestIotHub;
/** Of the hub, and of somebody else. */
let authority: TestCertificate;
let strangeAuthority: TestCertificate;
/** Registered by thumbprint: in force, and before and after their time. */
let own: TestCertificate;
let expired: TestCertificate;
let early: TestCertificate;
/** Signed by the hub's authority, for `signed` and for others. */
let signed: TestCertificate;
const agents: Agent[] = [];

beforeAll(async () => {
  authority = await aCertificate({ commonName: 'authority', authority: true });
  strangeAuthority = await aCertificate({ commonName: 'authority', authority: true });
  own = await aCertificate({ commonName: 'printed' });
  expired = await aCertificate({ validFromMs: Date.now() - 2 * DAY_MS, validToMs: Date.now() - DAY_MS });
  early = await aCertificate({ validFromMs: Date.now() + DAY_MS, validToMs: Date.now() + 2 * DAY_MS });
  signed = await issued('signed');
  hub = await startTestIotHub({ caCertificates: [authority.cert] });
  const keys = (seed: string) => ({
    authentication: {
      type: 'sas' as const,
      symmetricKey: { primaryKey: keyOf(seed), secondaryKey: keyOf(`${seed} 2`) },
    },
  });
  const printed = ({ cert }: TestCertificate) => ({
    authentication: {
      type: 'selfSigned' as const,
      x509Thumbprint: {
        primaryThumbprint: new X509Certificate(cert).fingerprint256.replaceAll(':', ''),
        secondaryThumbprint: '',
      },
    },
  });
  const byAuthority = { authentication: { type: 'certificateAuthority' as const } };
  for (const [deviceId, description] of Object.entries({
    cam: keys('cam'),
    other: keys('other'),
    asleep: { ...keys('asleep'), status: 'disabled' as const },
    printed: printed(own),
    expired: printed(expired),
    early: printed(early),
    signed: byAuthority,
    'signed-asleep': { ...byAuthority, status: 'disabled' as const },
  })) {
    await hub.registry.create({ deviceId, ...description });
  }
  for (const [deviceId, moduleId, description] of [
    ['cam', 'm1', keys('cam/m1')],
    ['cam', 'm2', keys('cam/m2')],
    ['other', 'm1', keys('other/m1')],
    ['asleep', 'm1', keys('asleep/m1')],
    ['printed', 'x', printed(own)],
    ['signed', 'x', byAuthority],
  ] as const) {
    await hub.registry.addModule({ deviceId, moduleId, managedBy: '', ...description } as never);
  }
});
afterAll(async () => {
  for (const agent of agents) agent.destroy();
  await hub.close();
});

/** A certificate of the hub's authority, or of another issuer, which goes along. */
async function issued(commonName: string, issuer = authority): Promise<TestCertificate> {
  const certificate = await aCertificate({ commonName, issuer });
  return { ...certificate, cert: certificate.cert + issuer.cert };
}

/** A token over `{host}/devices/{path}`, signed with the key that the seed gives. */
const token = (path: string, seed: string, more: { policy?: string; key?: string; expirySeconds?: number } = {}) =>
  sasToken({ resource: encodeURIComponent(`${hub.emulator.hostName}/devices/${path}`), key: keyOf(seed), ...more });

const address = (certificate?: Certificate) => ({
  port: hub.emulator.port,
  ca: hub.emulator.caCertificate,
  ...(certificate && { cert: certificate.cert, key: certificate.key }),
});
const nodeOf = (as: string) => `/devices/${as.replace('/', '/modules/')}`;

/** Ways in: each says whether the client was let in. */
const WAYS: Readonly<Record<string, (as: string, shown: Shown) => Promise<boolean>>> = {
  async MQTT(as, { token: password, certificate }) {
    const mqtt = new RawMqtt(await openTls(address(certificate)));
    const username = `${hub.emulator.hostName}/${as}/?api-version=2021-04-12`;
    const code = await mqtt.connect({
      clientId: as,
      username,
      ...(password !== undefined && { password: Buffer.from(password) }),
    });
    mqtt.destroy();
    await mqtt.closed;
    if (code !== 0) expect(code).toBe(5);
    return code === 0;
  },
  async AMQP(as, { token: presented, certificate }) {
    const client = amqpOver(await openTls(address(certificate)), { username: 'anonymous' });
    try {
      // A token that is good in itself may still be for something else.
      if (presented !== undefined && (await client.putToken(presented)).status !== 200) return false;
      return await client.sender(`${nodeOf(as)}/messages/events`).then(
        () => true,
        (cause: unknown) => {
          expect(cause).toMatchObject({ condition: 'amqp:unauthorized-access' });
          return false;
        },
      );
    } finally {
      client.stream.destroy();
      await client.closed();
    }
  },
  async HTTPS(as, { token: authorization, certificate }) {
    const agent = new Agent({ host: 'localhost', ...address(certificate) });
    agents.push(agent);
    const { status } = await httpsCall(agent, {
      method: 'POST',
      path: `${nodeOf(as)}/messages/events?api-version=2021-04-12`,
      headers: authorization === undefined ? {} : { authorization },
      body: '{}',
    });
    if (status !== 204) expect([401, 403]).toContain(status);
    return status === 204;
  },
};
const warnings = (from: number) =>
  hub.log.slice(from).flatMap(({ level, reason }) => (level >= 40 && reason !== undefined ? [reason] : []));

/** `as`: `{device}`, or `{device}/{module}`. */
type Vector = [as: string, what: string, reason: RegExp, show: () => Shown | Promise<Shown>];

const MODULE_TOKENS: Vector[] = [
  [
    'cam/m1',
    "the device's key over the module",
    /not signed with this module's keys, but with a key of device cam$/,
    () => ({ token: token('cam/modules/m1', 'cam') }),
  ],
  [
    'cam/m1',
    "the device's own token",
    /not signed with this module's keys, but with a key of device cam$/,
    () => ({ token: token('cam', 'cam') }),
  ],
  [
    'cam/m1',
    "a sibling's key",
    /but with a key of device cam, module m2/,
    () => ({ token: token('cam/modules/m1', 'cam/m2') }),
  ],
  [
    'cam/m1',
    "the key of another device's module of that name",
    /not signed with this module's keys/,
    () => ({ token: token('cam/modules/m1', 'other/m1') }),
  ],
  [
    'cam/m1',
    "another device's key",
    /not signed with this module's keys/,
    () => ({ token: token('cam/modules/m1', 'other') }),
  ],
  ['cam/m1', "a sibling's token", /names module "m2"/, () => ({ token: token('cam/modules/m2', 'cam/m2') })],
  [
    'cam/m1',
    "the token of another device's module of that name",
    /names device "other"/,
    () => ({ token: token('other/modules/m1', 'other/m1') }),
  ],
  [
    'cam/m1',
    'a module in other case',
    /another resource|no such module/,
    () => ({ token: token('cam/modules/M1', 'cam/m1') }),
  ],
  ['cam/m1', 'a module without a name', /another resource/, () => ({ token: token('cam/modules/', 'cam/m1') })],
  [
    'cam/m1',
    'something below the module',
    /another resource/,
    () => ({ token: token('cam/modules/m1/twin', 'cam/m1') }),
  ],
  [
    'cam/m1',
    'a dotted path to the module',
    /another resource|no such module/,
    () => ({ token: token('cam/modules/m2/../m1', 'cam/m1') }),
  ],
  [
    'cam/m1',
    'another collection of the device',
    /another resource|not signed/,
    () => ({ token: token('cam/parts/m1', 'cam/m1') }),
  ],
  [
    'cam/m1',
    'a module encoded twice over another',
    /another resource|not signed|no such/,
    () => ({ token: token('cam/modules/m2%2F..%2Fm1', 'cam/m2') }),
  ],
  [
    'cam/m1',
    'an expired token',
    /has expired/,
    () => ({ token: token('cam/modules/m1', 'cam/m1', { expirySeconds: 1 }) }),
  ],
  [
    'cam/m1',
    'a policy that it signs itself',
    /not signed with the keys of the policy/,
    () => ({ token: token('cam/modules/m1', 'cam/m1', { policy: 'device' }) }),
  ],
  [
    'cam/m1',
    'a policy without the right',
    /no right DeviceConnect/,
    () => ({ token: token('cam/modules/m1', '', { policy: 'service', key: policyKey('service') }) }),
  ],
  [
    'cam/m1',
    'a policy over a sibling',
    /names module "m2"/,
    () => ({ token: token('cam/modules/m2', '', { policy: 'device', key: policyKey('device') }) }),
  ],
  ['cam/m9', 'a module that there is not', /no such module/, () => ({ token: token('cam/modules/m9', 'cam') })],
  [
    'nobody/m1',
    'a module of a device that there is not',
    /no such device/,
    () => ({ token: token('nobody/modules/m1', 'cam/m1') }),
  ],
  [
    'asleep/m1',
    'a module of a disabled device',
    /the device is disabled/,
    () => ({ token: token('asleep/modules/m1', 'asleep/m1') }),
  ],
  ['cam', "a module's token, as its device", /names module "m1"/, () => ({ token: token('cam/modules/m1', 'cam/m1') })],
  [
    'cam',
    "a module's key over its device",
    /not signed with this device's keys, but with a key of device cam, module m1/,
    () => ({ token: token('cam', 'cam/m1') }),
  ],
];

const MISMATCHES: Vector[] = [
  [
    'printed',
    'a token, for a device with a thumbprint',
    /by certificate, not by key/,
    () => ({ token: token('printed', 'cam') }),
  ],
  [
    'signed',
    'a token, for a device of an authority',
    /by certificate, not by key/,
    () => ({ token: token('signed', 'cam') }),
  ],
  [
    'printed/x',
    'a token, for a module with a thumbprint',
    /by certificate, not by key/,
    () => ({ token: token('printed/modules/x', 'cam/m1') }),
  ],
  [
    'printed',
    'a token signed with no key at all',
    /by certificate, not by key/,
    () => ({ token: token('printed', '', { key: '' }) }),
  ],
  ['printed', 'no token and no certificate', /no token/, () => ({})],
  [
    'cam',
    'a certificate, for a device with keys',
    /by key, not by certificate/,
    async () => ({ certificate: await issued('cam') }),
  ],
  [
    'cam/m1',
    'a certificate, for a module with keys',
    /by key, not by certificate/,
    async () => ({ certificate: await issued('cam/m1') }),
  ],
  [
    'printed',
    'another thumbprint',
    /another thumbprint/,
    async () => ({ certificate: await aCertificate({ commonName: 'printed' }) }),
  ],
  ['expired', "the certificate of another device's thumbprint", /another thumbprint/, () => ({ certificate: own })],
  [
    'printed',
    'a certificate of the authority, for a device with a thumbprint',
    /another thumbprint/,
    async () => ({ certificate: await issued('printed') }),
  ],
  ['expired', 'the right thumbprint, expired', /the certificate expired at/, () => ({ certificate: expired })],
  ['early', 'the right thumbprint, before its time', /is not valid before/, () => ({ certificate: early })],
  [
    'signed',
    'an expired certificate of the authority',
    /the certificate expired at/,
    async () => ({
      certificate: await aCertificate({
        commonName: 'signed',
        issuer: authority,
        validFromMs: 0,
        validToMs: Date.now() - DAY_MS,
      }),
    }),
  ],
  [
    'signed',
    'a certificate of another authority',
    /leads to no authority of this hub/,
    async () => ({ certificate: await issued('signed', strangeAuthority) }),
  ],
  [
    'signed',
    'a certificate that it signed itself',
    /self-signed, not signed by an authority/,
    async () => ({ certificate: await aCertificate({ commonName: 'signed' }) }),
  ],
  [
    'signed',
    'a certificate signed by a mere device',
    /is not of an authority/,
    async () => ({
      certificate: await issued('signed', await aCertificate({ commonName: 'other', issuer: authority })),
    }),
  ],
  [
    'signed',
    'the common name of another device',
    /common name is "other"/,
    async () => ({ certificate: await issued('other') }),
  ],
  [
    'signed',
    'the common name in other case',
    /common name is "Signed"/,
    async () => ({ certificate: await issued('Signed') }),
  ],
  [
    'signed',
    "a module's certificate, as its device",
    /common name is "signed\/x"/,
    async () => ({ certificate: await issued('signed/x') }),
  ],
  ['signed/x', "a device's certificate, as its module", /common name is "signed"/, () => ({ certificate: signed })],
  [
    'signed-asleep',
    'a disabled device with a good certificate',
    /the device is disabled/,
    async () => ({ certificate: await issued('signed-asleep') }),
  ],
];

/** So that each of the vectors is wrong in one thing alone. */
const ACCEPTED: [as: string, what: string, show: () => Shown][] = [
  ['cam/m1', 'the token of a module', () => ({ token: token('cam/modules/m1', 'cam/m1') })],
  ['cam/m1', 'a token of the secondary key of a module', () => ({ token: token('cam/modules/m1', 'cam/m1 2') })],
  [
    'cam/m1',
    'a policy over a module',
    () => ({ token: token('cam/modules/m1', '', { policy: 'device', key: policyKey('device') }) }),
  ],
  ['cam', 'the token of a device', () => ({ token: token('cam', 'cam') })],
  ['printed', 'the certificate of a thumbprint', () => ({ certificate: own })],
  ['signed', 'a certificate of the authority', () => ({ certificate: signed })],
];

describe.each(Object.entries(WAYS))('over %s', (way, enter) => {
  /** Modules send no messages over HTTPS. */
  const reached = ([as]: readonly [string, ...unknown[]]) => way !== 'HTTPS' || !as.includes('/');

  it.each(ACCEPTED.filter(reached))('%s is accepted with %s', async (as, _what, show) => {
    const before = hub.log.length;
    expect(await enter(as, show())).toBe(true);
    expect(warnings(before)).toEqual([]);
  });

  it.each([...MODULE_TOKENS, ...MISMATCHES].filter(reached))(
    '%s is refused with %s',
    async (as, _what, reason, show) => {
      const before = hub.log.length;
      const shown = await show();
      expect(await enter(as, shown)).toBe(false);
      await until(() => warnings(before).length > 0, 'a reason in the log');
      expect(warnings(before)).toContainEqual(expect.stringMatching(reason));
      for (const secret of [shown.certificate?.key, /sig=([^&]+)/.exec(shown.token ?? '')?.[1]]) {
        if (secret !== undefined) expect(JSON.stringify(hub.log)).not.toContain(secret);
      }
    },
  );
});
