import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { openTls, RawMqtt } from '../support/raw-mqtt.js';
import { sasToken } from '../support/sas.js';
import { serviceToken } from '../support/service-token.js';
import { amqpOver } from '../torture/support/amqp-client.js';

const key = (seed: string): string => createHmac('sha256', 'canary').update(seed).digest('base64');

/** Values that must stay where they are. */
const CANARIES = {
  primary: key('primary'),
  secondary: key('secondary'),
  moduleKey: key('module'),
  storage: key('storage'),
  payload: 'payload-canary-77aa',
  twin: 'twin-canary-51bd',
  header: 'header-canary-c0de',
};

describe('secrets', () => {
  let hub: TestIotHub;
  let logged: string;
  /** What the hub has answered to what it has refused. */
  let refusals: string[];
  let tokens: string[];

  beforeAll(async () => {
    logged = '';
    refusals = [];
    tokens = [];
    const log = new Writable({
      write(chunk: Buffer, _encoding, done) {
        logged += chunk.toString();
        done();
      },
    });
    const account = `AccountName=devstoreaccount1;AccountKey=${CANARIES.storage};BlobEndpoint=https://127.0.0.1:1/d`;
    hub = await startTestIotHub({
      policyKeys: 'generated',
      storage: { connectionString: `DefaultEndpointsProtocol=https;${account}`, containerName: 'dev' },
      // Everything that there is to be logged.
      logger: pino({ level: 'trace' }, log),
    });
    const symmetricKey = { primaryKey: CANARIES.primary, secondaryKey: CANARIES.secondary };
    await hub.addDevice('cam', { authentication: { type: 'sas', symmetricKey } });
    await hub.registry.addModule({
      ...{ deviceId: 'cam', moduleId: 'm' },
      authentication: { symmetricKey: { primaryKey: CANARIES.moduleKey, secondaryKey: key('other') } },
    });
    await overHttps();
    await overMqtt();
    await overAmqp();
  }, 60_000);
  afterAll(() => hub.close());

  function token(keyText: string, resource = `${hub.emulator.hostName}/devices/cam`, expirySeconds?: number): string {
    const made = sasToken({
      ...{ resource: encodeURIComponent(resource), key: keyText },
      ...(expirySeconds !== undefined && { expirySeconds }),
    });
    tokens.push(made);
    return made;
  }

  /** Good tokens and bad ones, of which each is a secret. */
  const someTokens = () => [
    token(CANARIES.primary),
    token(CANARIES.secondary),
    token(CANARIES.moduleKey),
    token(CANARIES.primary, `${hub.emulator.hostName}/devices/other`),
    token(CANARIES.primary, undefined, 1),
    `Bearer ${CANARIES.header}`,
    `SharedAccessSignature sr=${CANARIES.header}`,
    CANARIES.primary,
  ];

  async function call(method: string, path: string, authorization: string, body?: string): Promise<void> {
    const headers = { authorization, 'iothub-app-secret': CANARIES.header, 'x-secret': CANARIES.header };
    const reply = await httpsCall(hub.agent, {
      ...{ method, path: `${path}?api-version=2021-04-12&secret=${CANARIES.header}`, headers },
      ...(body !== undefined && { body }),
    });
    if (reply.status >= 400) refusals.push(reply.body + JSON.stringify(reply.headers));
  }

  async function overHttps(): Promise<void> {
    const owner = serviceToken(hub);
    tokens.push(owner);
    const broken = `{"secret":"${CANARIES.payload}"`;
    const twin = { tags: { secret: CANARIES.twin }, properties: { desired: { secret: CANARIES.twin, 'a.b': 1 } } };
    for (const authorization of [owner, ...someTokens()]) {
      await call('POST', '/devices/cam/messages/events', authorization, CANARIES.payload);
      await call('POST', '/devices/cam/messages/events', authorization, CANARIES.payload.repeat(20_000));
      await call('POST', '/devices/cam/files', authorization, `{"blobName":"../${CANARIES.payload}"}`);
      await call('POST', '/devices/cam/files', authorization, broken);
      await call('PATCH', '/twins/cam', authorization, JSON.stringify(twin));
      await call('PATCH', '/twins/cam', authorization, broken);
      await call('PUT', '/devices/cam', authorization, JSON.stringify({ deviceId: 'cam', authentication: CANARIES }));
      const devices = [{ id: 'x y', importMode: 'create', authentication: { symmetricKey: CANARIES } }];
      await call('POST', '/devices', authorization, JSON.stringify(devices));
      const query = `SELECT * FROM devices WHERE tags.secret = '${CANARIES.twin}' AND`;
      await call('POST', '/devices/query', authorization, JSON.stringify({ query }));
      const method = { methodName: 'm', payload: CANARIES.payload, responseTimeoutInSeconds: 1 };
      await call('POST', '/twins/cam/methods', authorization, JSON.stringify(method));
      await call('POST', `/unknown/${encodeURIComponent('cam')}`, authorization, CANARIES.payload);
    }
  }

  async function overMqtt(): Promise<void> {
    const { port, caCertificate: ca, hostName } = hub.emulator;
    for (const password of someTokens()) {
      const mqtt = new RawMqtt(await openTls({ port, ca }));
      const will = {
        topic: 'devices/cam/messages/events/',
        payload: Buffer.from(CANARIES.payload),
        qos: 1,
        retain: false,
      };
      const code = await mqtt
        .connect({
          ...{ clientId: 'cam', username: `${hostName}/cam/?api-version=2021-04-12`, password: Buffer.from(password) },
          will: will as never,
        })
        .catch(() => -1);
      if (code === 0) {
        const topic = `devices/cam/messages/events/secret=${CANARIES.header}`;
        await mqtt.publish(topic, CANARIES.payload);
        await mqtt.publish(`devices/cam/elsewhere/?secret=${CANARIES.header}`, CANARIES.payload).catch(() => undefined);
      }
      mqtt.destroy();
    }
  }

  async function overAmqp(): Promise<void> {
    const { port, caCertificate: ca } = hub.emulator;
    for (const presented of someTokens()) {
      const client = amqpOver(await openTls({ port, ca }), { username: 'anonymous' });
      const { reply } = await client.putToken(presented);
      refusals.push(JSON.stringify(reply));
      const sender = await client.sender('/devices/cam/messages/events').catch((cause: unknown) => {
        refusals.push(String(cause) + JSON.stringify(cause));
        return undefined;
      });
      if (sender) {
        const body = Buffer.from(CANARIES.payload.repeat(20_000)) as never;
        await client.send(sender, { body }).catch((cause: unknown) => refusals.push(String(cause)));
      }
      client.stream.destroy();
      const plain = amqpOver(await openTls({ port, ca }), { username: 'cam@sas.localhub', password: presented });
      await plain.opened().catch((cause: unknown) => refusals.push(String(cause)));
      plain.stream.destroy();
    }
  }

  /** Each secret, in the forms in which it might come to light. */
  function secrets(): string[] {
    const ownKeys = hub.emulator.serviceConnectionString.split('SharedAccessKey=').slice(1);
    const signatures = tokens.flatMap((text) => /sig=([^&]+)/.exec(text)?.slice(1, 2) ?? []);
    const tlsKey = readFileSync(hub.emulator.tls.keyFile, 'utf8').split('\n')[1] ?? '';
    return [...Object.values(CANARIES), ...ownKeys, ...signatures, tlsKey].flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      decodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
      JSON.stringify(secret).slice(1, -1),
    ]);
  }

  const found = (text: string) => secrets().filter((secret) => secret.length > 8 && text.includes(secret));

  it('are in no line of the log, at any level', () => {
    // It has said a lot: there was something to be found.
    expect(logged.split('\n').length).toBeGreaterThan(100);
    expect(logged).toContain('cam');
    expect(found(logged)).toEqual([]);
  });

  it('are in no answer to what is refused, over any protocol', () => {
    expect(refusals.length).toBeGreaterThan(100);
    expect(found(refusals.join('\n'))).toEqual([]);
  });

  it('are in no metrics', async () => {
    const reply = await httpsCall(hub.agent, {
      ...{ method: 'GET', path: '/metrics', headers: { authorization: serviceToken(hub) } },
    });
    expect(reply.body).toContain('# HELP');
    expect(found(reply.body)).toEqual([]);
  });

  it('would be found: the registry shows its keys to who may see them', async () => {
    const { body } = await httpsCall(hub.agent, {
      ...{ method: 'GET', path: '/devices/cam?api-version=2021-04-12' },
      headers: { authorization: serviceToken(hub) },
    });
    expect(found(body)).toContain(CANARIES.primary);
  });
});
