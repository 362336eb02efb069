import { createHmac } from 'node:crypto';
import { connect } from 'mqtt';
import { developmentPolicies } from '../../apps/iot-hub-emulator/src/hub/access/policies.js';
import { httpsCall } from '../support/https-call.js';
import { type LogLine, startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { openTls } from '../support/raw-mqtt.js';
import { until } from '../support/until.js';
import { amqpOver } from '../torture/support/amqp-client.js';

/** Everything a token is made of; each test changes one thing of a token that would be accepted. */
interface Parts {
  /** Base64. */
  key: string;
  /** As it stands in the token. */
  resource: string;
  expiry: string;
  policy?: string;
}

const KEYS = {
  cam: key('cam primary'),
  camSecondary: key('cam secondary'),
  other: key('other primary'),
  sleeping: key('sleeping primary'),
};
const NOW_SECONDS = Math.floor(Date.now() / 1000);
const VALID_UNTIL = String(NOW_SECONDS + 3600);

const policies = new Map(developmentPolicies().map((policy) => [policy.name, policy]));
const policyKey = (name: string): string => policies.get(name)?.primaryKey ?? '';

let hub: TestIotHub;
/** The parts of a good token for device `cam`, and of a good one for services. */
let cam: Parts;
let owner: Parts;

beforeAll(async () => {
  hub = await startTestIotHub();
  const host = hub.emulator.hostName;
  const keys = (primaryKey: string, secondaryKey = key('unused')) => ({
    authentication: { type: 'sas' as const, symmetricKey: { primaryKey, secondaryKey } },
  });
  await hub.addDevice('cam', keys(KEYS.cam, KEYS.camSecondary));
  await hub.addDevice('other', keys(KEYS.other));
  await hub.addDevice('cam1', keys(KEYS.cam, KEYS.camSecondary));
  await hub.addDevice('sleeping', { ...keys(KEYS.sleeping), status: 'disabled' });
  await hub.registry.create({
    deviceId: 'certified',
    authentication: {
      type: 'selfSigned',
      x509Thumbprint: { primaryThumbprint: 'a'.repeat(40), secondaryThumbprint: 'b'.repeat(40) },
    },
  });
  cam = { key: KEYS.cam, resource: encodeURIComponent(`${host}/devices/cam`), expiry: VALID_UNTIL };
  owner = { key: policyKey('iothubowner'), resource: host, expiry: VALID_UNTIL, policy: 'iothubowner' };
});
afterAll(() => hub.close());

function key(seed: string): string {
  return createHmac('sha256', 'test').update(seed).digest('base64');
}

function signature({ key: base64, resource, expiry }: Parts, { algorithm = 'sha256', separator = '\n' } = {}): string {
  return createHmac(algorithm, Buffer.from(base64, 'base64'))
    .update(`${resource}${separator}${expiry}`)
    .digest('base64');
}

function token(parts: Parts, rawSignature = encodeURIComponent(signature(parts))): string {
  const policy = parts.policy === undefined ? '' : `&skn=${parts.policy}`;
  return `SharedAccessSignature sr=${parts.resource}&sig=${rawSignature}&se=${parts.expiry}${policy}`;
}

/** A token of which a text was changed after it was signed. */
const altered = (parts: Parts, from: string | RegExp, to: string): string => {
  const text = token(parts).replace(from, to);
  if (text === token(parts)) throw new Error('The test changes nothing.');
  return text;
};

const resourceOf = (path: string, host = hub.emulator.hostName): string => encodeURIComponent(`${host}${path}`);

/** A signature that holds `/` and `+`, which other alphabets write otherwise. */
function withSpecialCharacters(parts: Parts): Parts {
  for (let expiry = Number(parts.expiry); ; expiry += 1) {
    const candidate = { ...parts, expiry: String(expiry) };
    if (/\+.*\/|\/.*\+/.test(signature(candidate))) return candidate;
  }
}

async function status(method: string, path: string, authorization?: string, body?: string): Promise<number> {
  const reply = await httpsCall(hub.agent, {
    method,
    path: `${path}?api-version=2021-04-12`,
    headers: { ...(authorization !== undefined && { authorization }), 'content-type': 'application/json' },
    ...(body !== undefined && { body }),
  });
  return reply.status;
}

const send = (authorization?: string, deviceId = 'cam') =>
  status('POST', `/devices/${deviceId}/messages/events`, authorization, '{"level":1}');

/** What the hub logged while `work` ran. */
async function logged(work: () => Promise<unknown>): Promise<LogLine[]> {
  const before = hub.log.length;
  await work();
  return hub.log.slice(before);
}

function expectNoSecrets(text: string): void {
  const log = JSON.stringify(hub.log);
  const secrets = [
    ...Object.values(KEYS),
    ...Array.from(policies.values(), ({ primaryKey }) => primaryKey),
    ...(/sig=([^&]{8,})/.exec(text)?.slice(1, 2) ?? []),
  ];
  for (const secret of secrets) {
    expect(log).not.toContain(secret);
    expect(log).not.toContain(encodeURIComponent(secret));
  }
}

describe('tokens that are accepted', () => {
  it.each<[string, () => string]>([
    ['of the primary key', () => token(cam)],
    ['of the secondary key', () => token({ ...cam, key: KEYS.camSecondary })],
    ['with fields in another order', () => token(cam).replace(/(sr=[^&]+)&(sig=[^&]+)&(se=\d+)/, '$3&$2&$1')],
    ['with the signature not percent-encoded', () => token(cam, signature(cam))],
    ['for a host without port', () => token({ ...cam, resource: resourceOf('/devices/cam', 'localhost') })],
    ['for a host in capitals', () => token({ ...cam, resource: resourceOf('/devices/cam', 'LOCALHOST') })],
    [
      'whose resource is not percent-encoded',
      () => token({ ...cam, resource: `${hub.emulator.hostName}/devices/cam` }),
    ],
    [
      'that a tool made, with the version of the API in its resource',
      () => token({ ...cam, resource: resourceOf('/devices/cam/api-version=2016-11-14') }),
    ],
    ['of the policy device', () => token({ ...cam, key: policyKey('device'), policy: 'device' })],
    ['of iothubowner for the whole hub', () => token(owner)],
  ])('%s', async (_name, build) => {
    expect(await send(build())).toBe(204);
  });

  it('for services: one of a policy with the right', async () => {
    expect(await status('GET', '/devices/cam', token(owner))).toBe(200);
    const registryRead = { ...owner, key: policyKey('registryRead'), policy: 'registryRead' };
    expect(await status('GET', '/devices/cam', token(registryRead))).toBe(200);
  });
});

const DEVICE_REFUSALS: [string, RegExp, () => string | undefined][] = [
  ['no token', /no token/, () => undefined],
  ['an empty one', /no token/, () => ''],
  ['another scheme', /not a shared access signature/, () => 'Bearer abc'],
  ['basic credentials', /not a shared access signature/, () => `Basic ${Buffer.from('cam:cam').toString('base64')}`],
  ['the scheme alone', /not a shared access signature/, () => 'SharedAccessSignature'],
  ['no resource', /not a shared access signature/, () => altered(cam, /sr=[^&]+&/, '')],
  ['an empty resource', /not a shared access signature/, () => altered(cam, /sr=[^&]+/, 'sr=')],
  ['no signature', /not a shared access signature/, () => altered(cam, /&sig=[^&]+/, '')],
  ['an empty signature', /not/, () => token(cam, '')],
  ['no expiry', /not a shared access signature/, () => altered(cam, /&se=\d+/, '')],
  ['fields without values', /not a shared access signature/, () => 'SharedAccessSignature sr&sig&se'],
  ['an empty field at the end', /not a shared access signature/, () => `${token(cam)}&`],
  ['text after the token', /not a shared access signature/, () => `${token(cam)} x`],
  ['two tokens', /not a shared access signature/, () => `${token(cam)},${token(cam)}`],
  ['one field twice, the same', /not a shared access signature/, () => `${token(cam)}&se=${VALID_UNTIL}`],
  ['a second, later expiry', /not a shared access signature/, () => `${token(cam)}&se=${NOW_SECONDS + 9999}`],
  [
    'a second resource',
    /not a shared access signature/,
    () => `${token({ ...cam, key: KEYS.other })}&sr=${cam.resource}`,
  ],
  ['a second signature', /not a shared access signature/, () => `${token(cam, 'AAAA')}&sig=${signature(cam)}`],
  ['an endless one', /not a shared access signature/, () => `${token(cam)}&x=${'x'.repeat(5000)}`],

  ['expired a second ago', /expired/, () => token({ ...cam, expiry: String(NOW_SECONDS - 1) })],
  ['expired in 1970', /expired/, () => token({ ...cam, expiry: '0' })],
  ['a negative expiry', /not a shared access signature/, () => token({ ...cam, expiry: '-1' })],
  ['a fractional expiry', /not a shared access signature/, () => token({ ...cam, expiry: `${VALID_UNTIL}.5` })],
  ['an exponential expiry', /not a shared access signature/, () => token({ ...cam, expiry: '1e10' })],
  ['a hexadecimal expiry', /not a shared access signature/, () => token({ ...cam, expiry: '0xffffffff' })],
  ['an expiry beyond all dates', /not a shared access signature/, () => token({ ...cam, expiry: '9'.repeat(30) })],
  ['an ISO expiry', /not a shared access signature/, () => token({ ...cam, expiry: '2099-01-01T00:00:00Z' })],
  ['an expiry in words', /not a shared access signature/, () => token({ ...cam, expiry: 'never' })],
  ['a prolonged expiry', /not signed with/, () => altered(cam, VALID_UNTIL, String(NOW_SECONDS + 7200))],
  ['an expiry with a leading zero', /not signed with/, () => altered(cam, 'se=', 'se=0')],

  ['an unknown key', /not signed with/, () => token({ ...cam, key: key('unknown') })],
  ["another device's key", /not signed with/, () => token({ ...cam, key: KEYS.other })],
  ['a policy key without policy', /not signed with/, () => token({ ...cam, key: policyKey('iothubowner') })],
  ['an empty key', /not signed with/, () => token({ ...cam, key: '' })],
  ['the text of the key', /not signed with/, () => token({ ...cam, key: Buffer.from(KEYS.cam).toString('base64') })],
  ['SHA-1', /not signed with/, () => token(cam, encodeURIComponent(signature(cam, { algorithm: 'sha1' })))],
  ['SHA-512', /not signed with/, () => token(cam, encodeURIComponent(signature(cam, { algorithm: 'sha512' })))],
  [
    'CR LF between the parts',
    /not signed with/,
    () => token(cam, encodeURIComponent(signature(cam, { separator: '\r\n' }))),
  ],
  [
    'nothing between the parts',
    /not signed with/,
    () => token(cam, encodeURIComponent(signature(cam, { separator: '' }))),
  ],
  ['a signature of 32 zero bytes', /not signed with/, () => token(cam, Buffer.alloc(32).toString('base64'))],
  ['a signature cut short', /not signed with/, () => token(cam, signature(cam).slice(0, 40))],
  ['a signature of one bit less', /not signed with/, () => token(cam, flipLastBit(signature(cam)))],
  ['a signature in hex', /not/, () => token(cam, Buffer.from(signature(cam), 'base64').toString('hex'))],
  [
    'a signature in the URL alphabet',
    /not a shared/,
    () => token(withSpecialCharacters(cam), urlAlphabet(signature(withSpecialCharacters(cam)))),
  ],
  ['a signature without padding', /not a shared/, () => token(cam, signature(cam).replaceAll('=', ''))],
  ['a signature followed by more', /not/, () => token(cam, `${encodeURIComponent(signature(cam))}AAAA`)],
  ['a signature with a line break', /not a shared/, () => token(cam, `${encodeURIComponent(signature(cam))}%0A`)],
  ['a signature with a blank', /not a shared/, () => token(cam, `%20${encodeURIComponent(signature(cam))}`)],
  [
    'a signature encoded twice',
    /not a shared/,
    () => token(cam, encodeURIComponent(encodeURIComponent(signature(cam)))),
  ],
  [
    'a signature with + as a blank',
    /not a shared/,
    () => token(withSpecialCharacters(cam), signature(withSpecialCharacters(cam)).replace('+', '%20')),
  ],
  ['broken percent-encoding', /not a shared/, () => token(cam, '%zz')],

  [
    "another device's token",
    /another resource/,
    () => token({ ...cam, key: KEYS.other, resource: resourceOf('/devices/other') }),
  ],
  ['the hub as resource', /another resource/, () => token({ ...cam, resource: hub.emulator.hostName })],
  ['all devices as resource', /another resource/, () => token({ ...cam, resource: resourceOf('/devices') })],
  ['no device id', /another resource/, () => token({ ...cam, resource: resourceOf('/devices/') })],
  [
    'another hub',
    /another resource/,
    () => token({ ...cam, resource: resourceOf('/devices/cam', 'other.azure-devices.net') }),
  ],
  [
    'a hub of a similar name',
    /another resource/,
    () => token({ ...cam, resource: resourceOf('/devices/cam', 'localhost.evil.example') }),
  ],
  [
    'a user in the host',
    /another resource/,
    () => token({ ...cam, resource: resourceOf('/devices/cam', 'localhost@evil.example') }),
  ],
  [
    'a URL as resource',
    /another resource/,
    () => token({ ...cam, resource: resourceOf('/devices/cam', 'https://localhost') }),
  ],
  ['a longer device id', /another resource/, () => token({ ...cam, resource: resourceOf('/devices/cam1') })],
  ['a shorter device id', /another resource/, () => token({ ...cam, resource: resourceOf('/devices/ca') })],
  ['a device id in other case', /another resource/, () => token({ ...cam, resource: resourceOf('/devices/CAM') })],
  ['a NUL after the device id', /another resource/, () => token({ ...cam, resource: resourceOf('/devices/cam\0') })],
  ['a dotted path', /another resource/, () => token({ ...cam, resource: resourceOf('/devices/other/../cam') })],
  [
    'a module of the device',
    /another resource/,
    () => token({ ...cam, resource: resourceOf('/devices/cam/modules/m') }),
  ],
  [
    'another device, with the version of the API',
    /another resource/,
    () => token({ ...cam, resource: resourceOf('/devices/other/api-version=2016-11-14') }),
  ],
  [
    'the version of the API for a device',
    /another/,
    () => token({ ...cam, resource: resourceOf('/devices/api-version=2016-11-14') }),
  ],
  ['another collection', /another resource/, () => token({ ...cam, resource: resourceOf('/twins/cam') })],
  [
    'a resource decoded after signing',
    /not signed with/,
    () => token({ ...cam, resource: decodeURIComponent(cam.resource) }, encodeURIComponent(signature(cam))),
  ],
  [
    'a resource encoded after signing',
    /not signed with/,
    () =>
      altered(
        { ...cam, resource: decodeURIComponent(cam.resource) },
        `sr=${decodeURIComponent(cam.resource)}`,
        `sr=${cam.resource}`,
      ),
  ],
  ['a resource re-encoded in small letters', /not signed with/, () => altered(cam, '%2F', '%2f')],

  ['a policy that does not exist', /no shared access policy/, () => token({ ...cam, policy: 'nobody' })],
  ['a policy named with broken encoding', /not a shared/, () => token({ ...cam, policy: '%zz' })],
  ["a policy with the device's key", /not signed with/, () => token({ ...cam, policy: 'device' })],
  [
    "a policy with another policy's key",
    /not signed with/,
    () => token({ ...cam, key: policyKey('service'), policy: 'device' }),
  ],
  ['policy service', /no right DeviceConnect/, () => token({ ...cam, key: policyKey('service'), policy: 'service' })],
  [
    'policy registryReadWrite',
    /no right DeviceConnect/,
    () => token({ ...owner, key: policyKey('registryReadWrite'), policy: 'registryReadWrite' }),
  ],
  [
    'a policy for another device',
    /another resource/,
    () => token({ ...owner, resource: resourceOf('/devices/other') }),
  ],
  ['a policy for another hub', /another resource/, () => token({ ...owner, resource: 'other.azure-devices.net' })],
  ['a policy, expired', /expired/, () => token({ ...owner, expiry: String(NOW_SECONDS - 60) })],
];

function flipLastBit(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  return encodeURIComponent(bytes.toString('base64'));
}

const urlAlphabet = (base64: string): string => base64.replaceAll('+', '-').replaceAll('/', '_');

describe('tokens a device is refused with', () => {
  it.each(DEVICE_REFUSALS)('%s', async (_name, reason, build) => {
    const text = build();
    const lines = await logged(async () => {
      expect(await send(text)).toBe(401);
    });
    expect(lines).toContainEqual(expect.objectContaining({ reason: expect.stringMatching(reason) }));
    expectNoSecrets(text ?? '');
  });

  it('tells apart in its log a device that is unknown, disabled or certified by X.509', async () => {
    const tokenFor = (deviceId: string, deviceKey: string) =>
      token({ ...cam, key: deviceKey, resource: resourceOf(`/devices/${deviceId}`) });
    const reasonFor = async (deviceId: string, deviceKey: string, expected: number) => {
      const lines = await logged(async () => {
        expect(await send(tokenFor(deviceId, deviceKey), deviceId)).toBe(expected);
      });
      return lines.map((line) => line.reason).join();
    };
    expect(await reasonFor('nobody', KEYS.cam, 401)).toContain('no such device');
    expect(await reasonFor('sleeping', KEYS.sleeping, 403)).toContain('disabled');
    expect(await reasonFor('certified', KEYS.cam, 401)).toContain('certificate');
  });
});

describe('tokens a service is refused with', () => {
  const cases: [string, RegExp, string, string, () => string | undefined][] = [
    ['no token', /no Authorization/, 'GET', '/devices/cam', () => undefined],
    ["a device's token", /no shared access policy/, 'GET', '/devices/cam', () => token(cam)],
    ['no policy', /no shared access policy/, 'GET', '/devices/cam', () => altered(owner, /&skn=.*/, '')],
    ['an unknown policy', /no shared access policy/, 'GET', '/devices/cam', () => token({ ...owner, policy: 'root' })],
    ['the wrong key', /not signed with/, 'GET', '/devices/cam', () => token({ ...owner, key: policyKey('service') })],
    [
      'another policy put in its place',
      /not signed with/,
      'GET',
      '/devices/cam',
      () => altered({ ...owner, key: policyKey('service'), policy: 'service' }, 'skn=service', 'skn=iothubowner'),
    ],
    ['an expired one', /expired/, 'GET', '/devices/cam', () => token({ ...owner, expiry: String(NOW_SECONDS - 1) })],
    ['another hub', /another hub/, 'GET', '/devices/cam', () => token({ ...owner, resource: 'hub.azure-devices.net' })],
    [
      "another device's resource",
      /another hub or another resource/,
      'GET',
      '/devices/cam',
      () => token({ ...owner, resource: resourceOf('/devices/other') }),
    ],
    [
      "a device's resource for all devices",
      /another hub or another resource/,
      'GET',
      '/devices',
      () => token({ ...owner, resource: resourceOf('/devices/cam') }),
    ],
    ['an Entra ID token', /Entra/, 'GET', '/devices/cam', () => 'Bearer eyJhbGciOiJub25lIn0.e30.'],
    [
      'policy device: registry',
      /lacks RegistryRead/,
      'GET',
      '/devices/cam',
      () => token({ ...owner, key: policyKey('device'), policy: 'device' }),
    ],
    [
      'policy service: registry',
      /lacks RegistryRead/,
      'GET',
      '/devices',
      () => token({ ...owner, key: policyKey('service'), policy: 'service' }),
    ],
    [
      'policy registryRead: write',
      /lacks RegistryWrite/,
      'DELETE',
      '/devices/cam',
      () => token({ ...owner, key: policyKey('registryRead'), policy: 'registryRead' }),
    ],
    [
      'policy registryRead: twins',
      /lacks ServiceConnect/,
      'PATCH',
      '/twins/cam',
      () => token({ ...owner, key: policyKey('registryRead'), policy: 'registryRead' }),
    ],
    [
      'policy registryReadWrite: methods',
      /lacks ServiceConnect/,
      'POST',
      '/twins/cam/methods',
      () => token({ ...owner, key: policyKey('registryReadWrite'), policy: 'registryReadWrite' }),
    ],
    [
      'policy device: queries',
      /lacks/,
      'POST',
      '/devices/query',
      () => token({ ...owner, key: policyKey('device'), policy: 'device' }),
    ],
  ];
  it.each(cases)('%s', async (_name, reason, method, path, build) => {
    const text = build();
    const lines = await logged(async () => {
      expect(await status(method, path, text, method === 'GET' ? undefined : '{}')).toBe(401);
    });
    expect(lines).toContainEqual(expect.objectContaining({ reason: expect.stringMatching(reason) }));
    expectNoSecrets(text ?? '');
  });
});

describe('tokens an MQTT connection is refused with', () => {
  it.each<[string, RegExp, () => string]>([
    ['expired', /expired/, () => token({ ...cam, expiry: String(NOW_SECONDS - 1) })],
    ['forged', /not signed with/, () => token({ ...cam, key: KEYS.other })],
    [
      'of another device',
      /another resource/,
      () => token({ ...cam, key: KEYS.other, resource: resourceOf('/devices/other') }),
    ],
    [
      'of a policy without the right',
      /no right DeviceConnect/,
      () => token({ ...owner, key: policyKey('service'), policy: 'service' }),
    ],
    ['cut in half', /not/, () => token(cam).slice(0, token(cam).length / 2)],
  ])('%s', async (_name, reason, build) => {
    const text = build();
    const lines = await logged(async () => {
      expect(await connackCode(text)).toBe(5);
    });
    expect(lines).toContainEqual(expect.objectContaining({ reason: expect.stringMatching(reason) }));
    expectNoSecrets(text);
  });

  it('while the same client with a good token gets in', async () => {
    expect(await connackCode(token(cam))).toBe(0);
  });

  async function connackCode(password: string): Promise<number | undefined> {
    const client = connect({
      protocol: 'mqtts',
      host: 'localhost',
      port: hub.emulator.port,
      ca: hub.emulator.caCertificate,
      protocolVersion: 4,
      clientId: 'cam',
      username: `${hub.emulator.hostName}/cam/?api-version=2021-04-12`,
      password,
      reconnectPeriod: 0,
    });
    let code: number | undefined;
    client.on('packetreceive', (packet) => {
      if (packet.cmd === 'connack') code = packet.returnCode;
    });
    // A refused client emits an error of its own; what counts is the packet.
    client.on('error', () => undefined);
    await until(() => code !== undefined, 'CONNACK');
    await client.endAsync(true);
    return code;
  }
});

describe('over AMQP', () => {
  const openStream = () => openTls({ port: hub.emulator.port, ca: hub.emulator.caCertificate });

  /** @returns whether a client that has presented the token may open the link. */
  async function opens(presented: string | undefined, address: string): Promise<boolean> {
    const client = amqpOver(await openStream(), { username: 'anonymous' });
    try {
      // A token that is good in itself may still be for something else.
      const { status: answer } = await client.putToken(presented);
      if (answer !== 200) return false;
      return await client.sender(address).then(
        () => true,
        () => false,
      );
    } finally {
      client.stream.destroy();
    }
  }

  it('good tokens open the links', async () => {
    expect(await opens(token(cam), '/devices/cam/messages/events')).toBe(true);
    expect(await opens(token(owner), '/messages/devicebound')).toBe(true);
  });

  it.each(DEVICE_REFUSALS)('a device is refused with %s', async (_name, _reason, build) => {
    const text = build();
    const lines = await logged(async () => {
      expect(await opens(text, '/devices/cam/messages/events')).toBe(false);
    });
    const reasons = lines.filter(({ level, reason }) => level >= 40 && (reason ?? '') !== '');
    expect(reasons).not.toEqual([]);
    expectNoSecrets(text ?? '');
  });

  const eventHubsToken = ({
    key: base64 = owner.key,
    resource = 'localhub',
    policy = 'iothubowner',
    textKey = true,
  } = {}) => {
    const sb = encodeURIComponent(`sb://${hub.emulator.hostName}/${resource}`);
    const asText = textKey ? Buffer.from(base64).toString('base64') : base64;
    return token({ ...owner, key: asText, resource: sb, policy });
  };
  const reads = async (presented: string): Promise<boolean> => {
    const client = amqpOver(await openStream(), { username: 'anonymous' });
    try {
      if ((await client.putToken(presented)).status !== 200) return false;
      const address = 'localhub/ConsumerGroups/$Default/Partitions/0';
      return await client.receiver(address).then(
        () => true,
        () => false,
      );
    } finally {
      client.stream.destroy();
    }
  };

  it('a good token reads the built-in endpoint', async () => {
    expect(await reads(eventHubsToken())).toBe(true);
  });

  it.each<[string, () => string]>([
    ['signed with the bytes of the key', () => eventHubsToken({ textKey: false })],
    ['signed with another key', () => eventHubsToken({ key: KEYS.other })],
    ['of a policy without the right', () => eventHubsToken({ key: policyKey('device'), policy: 'device' })],
    [
      'of a registry policy',
      () => eventHubsToken({ key: policyKey('registryReadWrite'), policy: 'registryReadWrite' }),
    ],
    ['of an unknown policy', () => eventHubsToken({ policy: 'nobody' })],
    ['for another event hub', () => eventHubsToken({ resource: 'otherhub' })],
    ['for another partition', () => eventHubsToken({ resource: 'localhub/ConsumerGroups/$Default/Partitions/1' })],
    ['for an event hub whose name begins the same', () => eventHubsToken({ resource: 'localhub2' })],
    ['of a device', () => token(cam)],
    ['that is expired', () => eventHubsToken().replace(/se=\d+/, 'se=1')],
    ['of which the expiry was changed', () => eventHubsToken().replace(/se=\d+/, `se=${NOW_SECONDS + 9999}`)],
  ])('a reader is refused with a token %s', async (_name, build) => {
    const text = build();
    const lines = await logged(async () => {
      expect(await reads(text)).toBe(false);
    });
    expect(lines.filter(({ level, reason }) => level >= 40 && (reason ?? '') !== '')).not.toEqual([]);
    expectNoSecrets(text);
  });

  it.each<[string, () => { username: string; password: string }]>([
    [
      'another key',
      () => ({ username: 'iothubowner@sas.root.localhub', password: token({ ...owner, key: KEYS.other }) }),
    ],
    ['a token of another policy', () => ({ username: 'service@sas.root.localhub', password: token(owner) })],
    ["a device's token", () => ({ username: 'iothubowner@sas.root.localhub', password: token(cam) })],
    ['another device', () => ({ username: 'other@sas.localhub', password: token(cam) })],
    ['the key itself', () => ({ username: 'iothubowner@sas.root.localhub', password: owner.key })],
    ['no password', () => ({ username: 'iothubowner@sas.root.localhub', password: ' ' })],
  ])('SASL PLAIN is refused with %s', async (_name, build) => {
    const credentials = build();
    const lines = await logged(async () => {
      const client = amqpOver(await openStream(), credentials);
      await expect(client.opened()).rejects.toThrow();
      client.stream.destroy();
    });
    expect(lines.filter(({ level, reason }) => level >= 40 && (reason ?? '') !== '')).not.toEqual([]);
    expectNoSecrets(credentials.password);
  });
});
