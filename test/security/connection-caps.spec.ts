import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { MAX_UNPROVEN_PER_ADDRESS } from '../../apps/iot-hub-emulator/src/protocols/connection-caps.js';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { openTls, RawMqtt } from '../support/raw-mqtt.js';
import { sasToken } from '../support/sas.js';
import { serviceToken } from '../support/service-token.js';
import { amqpOver } from '../torture/support/amqp-client.js';
import { until } from '../support/until.js';

/** Loopback has many addresses on Linux. */
const ATTACKER = '127.0.0.9';
const EXTRA = 200;

describe('connections that prove nothing', () => {
  let hub: TestIotHub;
  let attackers: Socket[];
  let hasManyAddresses: boolean;
  beforeEach(async () => {
    hub = await startTestIotHub();
    await hub.addDevice('cam');
    attackers = [];
    hasManyAddresses = process.platform === 'linux';
  });
  afterEach(async () => {
    for (const attacker of attackers) attacker.destroy();
    await hub.close();
  });

  const attack = async (count: number, localAddress?: string): Promise<void> => {
    const some = Array.from({ length: count }, () =>
      connectTcp({ port: hub.emulator.port, host: '127.0.0.1', ...(localAddress !== undefined && { localAddress }) })
        // A reset is one way to be refused.
        .on('error', () => undefined)
        .resume(),
    );
    attackers.push(...some);
    await Promise.all(some.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
  };
  const refusals = () => hub.log.filter(({ msg }) => msg === 'Connections refused');
  const held = () => attackers.filter(({ closed }) => !closed).length;

  async function device(): Promise<RawMqtt> {
    const socket = connectTls({ port: hub.emulator.port, host: '127.0.0.1', ca: hub.emulator.caCertificate });
    await once(socket, 'secureConnect');
    const mqtt = new RawMqtt(socket);
    const { hostName } = hub.emulator;
    const key = hub.emulator.deviceConnectionString('cam').split('SharedAccessKey=')[1] ?? '';
    const password = sasToken({ resource: encodeURIComponent(`${hostName}/devices/cam`), key });
    const username = `${hostName}/cam/?api-version=2021-04-12`;
    expect(await mqtt.connect({ clientId: 'cam', username, password: Buffer.from(password) })).toBe(0);
    return mqtt;
  }

  it('are capped by address; who has proven itself, and who comes from elsewhere, is served', async () => {
    const mqtt = await device();
    await attack(MAX_UNPROVEN_PER_ADDRESS + EXTRA, hasManyAddresses ? ATTACKER : undefined);
    await until(() => held() <= MAX_UNPROVEN_PER_ADDRESS, 'the hub to refuse the rest');
    await mqtt.publish('devices/cam/messages/events/', 'still here');
    const headers = { authorization: serviceToken(hub) };
    const { status } = await httpsCall(hub.agent, {
      method: 'GET',
      path: '/devices/cam?api-version=2021-04-12',
      headers,
    });
    expect(status).toBe(200);
    if (hasManyAddresses) (await device()).destroy();
    expect(refusals()).toHaveLength(1);
    mqtt.destroy();
  });

  it('make room for others when they go', async () => {
    await attack(MAX_UNPROVEN_PER_ADDRESS + 1);
    await until(() => refusals().length > 0, 'the hub to refuse one');
    for (const attacker of attackers) attacker.destroy();
    const mqtt = await until(() => device().catch(() => undefined), 'a device to come in');
    await mqtt.publish('devices/cam/messages/events/', 'in');
    mqtt.destroy();
  });

  it('do not count when they have proven themselves: many devices on one machine all come in', async () => {
    const connections: RawMqtt[] = [];
    for (let count = 0; count < 50; count += 1) connections.push(await device());
    const headers = { authorization: serviceToken(hub) };
    await httpsCall(hub.agent, { method: 'GET', path: '/devices/cam?api-version=2021-04-12', headers });
    const { port, caCertificate: ca } = hub.emulator;
    const amqp = amqpOver(await openTls({ port, ca }), { username: 'anonymous' });
    expect((await amqp.putToken(serviceToken(hub))).status).toBe(200);
    await attack(MAX_UNPROVEN_PER_ADDRESS);
    expect(refusals()).toEqual([]);
    await connections.at(-1)?.publish('devices/cam/messages/events/', 'in');
    for (const mqtt of connections) mqtt.destroy();
    amqp.stream.destroy();
  });
});
