import { once } from 'node:events';
import { create_container, type Connection } from 'rhea';
import { WebSocket } from 'ws';
import { httpsCall } from '../support/https-call.js';
import { type LogLine, startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { openTls, RawMqtt } from '../support/raw-mqtt.js';
import { sasToken } from '../support/sas.js';
import { signedBy } from '../support/service-token.js';
import { until } from '../support/until.js';

const STRANGERS_KEY = Buffer.alloc(32, 9).toString('base64');
/** No clock of a machine is so wrong. */
const LONG_AGO = Math.floor(Date.now() / 1000) - 100_000;

describe('what the log says of a refusal', () => {
  let hub: TestIotHub;
  let key: string;
  let amqp: Connection | undefined;

  beforeEach(async () => {
    hub = await startTestIotHub();
    const { connectionString } = await hub.addDevice('cam');
    await hub.addDevice('other');
    key = /SharedAccessKey=(.*)/.exec(connectionString)?.[1] ?? '';
  });
  afterEach(async () => {
    amqp?.close();
    amqp = undefined;
    await hub.close();
  });

  const address = () => ({ port: hub.emulator.port, ca: hub.emulator.caCertificate });
  const resource = () => encodeURIComponent(`${hub.emulator.hostName}/devices/cam`);
  const otherKey = async () =>
    (await hub.registry.get('other')).responseBody.authentication?.symmetricKey?.primaryKey ?? '';
  const https = (authorization: string | undefined, path = '/devices/cam/messages/events', method = 'POST') =>
    httpsCall(hub.agent, { method, path, headers: authorization === undefined ? {} : { authorization } });

  async function mqtt(token: string): Promise<RawMqtt> {
    const client = new RawMqtt(await openTls(address()));
    await client.connect({
      clientId: 'cam',
      username: `localhost/cam/?api-version=2021-04-12`,
      password: Buffer.from(token),
    });
    return client;
  }

  /** SASL PLAIN as AMQP devices use it, then a link. */
  async function link(password: string, target: string): Promise<void> {
    const connection = create_container().connect({
      ...{ transport: 'tls', host: 'localhost', ...address(), reconnect: false },
      ...{ username: 'cam@sas.localhub', password },
    } as object as Parameters<ReturnType<typeof create_container>['connect']>[0]);
    amqp = connection;
    const over = ['disconnected', 'sender_error', 'sender_close', 'session_error', 'connection_error'].map(
      (event) =>
        new Promise<void>((resolve) => {
          connection.on(event, () => {
            resolve();
          });
        }),
    );
    connection.open_sender({ target: { address: target } });
    await Promise.race(over);
  }

  const cases: readonly [what: string, reason: RegExp, provoke: () => Promise<unknown>][] = [
    [
      'HTTPS: a token that has expired',
      /expired by \d+ (s|min|h|d)/,
      () => https(sasToken({ resource: resource(), key, expirySeconds: LONG_AGO })),
    ],
    [
      'HTTPS: the key of another device',
      /with a key of device other/,
      async () => https(sasToken({ resource: resource(), key: await otherKey() })),
    ],
    ['HTTPS: no token', /no token|no Authorization/, () => https(undefined)],
    [
      'HTTPS: a policy that there is not',
      /no shared access policy/,
      () => https(signedBy(hub.emulator.serviceConnectionString.replace('iothubowner', 'nobody')), '/devices', 'GET'),
    ],
    [
      'MQTT: a token that has expired',
      /expired by \d+ (s|min|h|d)/,
      () => mqtt(sasToken({ resource: resource(), key, expirySeconds: LONG_AGO })),
    ],
    ['MQTT: the key of a stranger', /not signed/, () => mqtt(sasToken({ resource: resource(), key: STRANGERS_KEY }))],
    [
      'MQTT: a topic of another device',
      /topic/,
      async () => {
        const client = await mqtt(sasToken({ resource: resource(), key }));
        client.send({
          cmd: 'publish',
          topic: 'devices/other/messages/events/',
          payload: 'x',
          qos: 0,
          dup: false,
          retain: false,
        });
        await client.closed;
      },
    ],
    [
      'AMQP: the key of a stranger',
      /not signed/,
      () => link(sasToken({ resource: resource(), key: STRANGERS_KEY }), '/devices/cam/messages/events'),
    ],
    [
      'AMQP: a link to nowhere',
      /'nowhere' could not be found/,
      () => link(sasToken({ resource: resource(), key }), '/nowhere'),
    ],
    [
      'AMQP: a link of another device',
      /other|another/,
      () => link(sasToken({ resource: resource(), key }), '/devices/other/messages/events'),
    ],
    [
      'WebSocket: a path that there is not',
      /UnknownWebSocketPath/,
      () => once(new WebSocket(`wss://localhost:${hub.emulator.port}/chat`, 'mqtt', { ca: address().ca }), 'error'),
    ],
  ];

  it.each(cases)('%s', async (what, reason, provoke) => {
    const before = hub.log.length;
    await provoke();
    const refused = ({ level, msg }: LogLine) => level >= 40 && /refused|closed by the hub/.test(msg);
    const line = await until(() => hub.log.slice(before).find(refused), `a line on: ${what}`);
    expect(line.reason).toMatch(reason);
    expect(JSON.stringify(hub.log)).not.toMatch(/SharedAccessSignature|sig=/);
    expect(JSON.stringify(hub.log)).not.toContain(key);
  });
});
