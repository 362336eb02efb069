import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Message, SharedAccessSignature } from 'azure-iot-common';
import { Client as ServiceClient } from 'azure-iothub';
import type { IPublishPacket } from 'mqtt-packet';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { openTls, RawMqtt } from '../support/raw-mqtt.js';
import { until } from '../support/until.js';

const FILTER = 'devices/d1/messages/devicebound/#';

/** What no SDK shows: packets as they are, from a device that acknowledges when it wants to. */
describe('cloud-to-device messages that a device has not acknowledged', () => {
  const trusted = getCACertificates('default');
  let dataDirectory: string;
  let hub: TestIotHub;
  let devices: RawMqtt[];

  beforeEach(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'iot-hub-'));
    devices = [];
    hub = await startTestIotHub({ inMemory: false, dataDirectory });
    setDefaultCACertificates([...trusted, hub.emulator.caCertificate]);
    await hub.addDevice('d1');
  });
  afterEach(async () => {
    for (const device of devices) device.destroy();
    await hub.close();
    setDefaultCACertificates(trusted);
    await rm(dataDirectory, { recursive: true });
  });

  async function send(...ids: string[]): Promise<void> {
    const service = ServiceClient.fromConnectionString(hub.emulator.serviceConnectionString);
    await service.open();
    for (const messageId of ids) await service.send('d1', Object.assign(new Message(messageId), { messageId }));
    await service.close();
  }

  async function connect(): Promise<{ device: RawMqtt; received: IPublishPacket[] }> {
    const { port, caCertificate } = hub.emulator;
    const device = new RawMqtt(await openTls({ port, ca: caCertificate }));
    devices.push(device);
    const received: IPublishPacket[] = [];
    device.onPublish = (packet) => received.push(packet);
    const key = /SharedAccessKey=(.*)$/.exec(hub.emulator.deviceConnectionString('d1'))?.[1] ?? '';
    const expiry = Math.floor(Date.now() / 1000) + 600;
    const token = SharedAccessSignature.create('localhost/devices/d1', null as unknown as string, key, expiry);
    const code = await device.connect({
      clientId: 'd1',
      clean: false,
      username: 'localhost/d1/?api-version=2021-04-12',
      password: Buffer.from(token.toString()),
    });
    expect(code).toBe(0);
    return { device, received };
  }
  const all = async (received: readonly IPublishPacket[], count: number) => {
    await until(() => received.length >= count, `${count} messages`);
    return received.map(({ payload, messageId, dup }) => [payload.toString(), messageId, dup]);
  };
  const count = async () => Number((await hub.registry.get('d1')).responseBody.cloudToDeviceMessageCount);

  it('come again with DUP and the same packet identifier after a reconnect, in order, the others not', async () => {
    const before = await connect();
    await before.device.subscribe(FILTER);
    await send('a', 'b', 'c');
    const first = await all(before.received, 3);
    expect(first.map(([text, , dup]) => [text, dup])).toEqual([
      ['a', false],
      ['b', false],
      ['c', false],
    ]);
    for (const packet of before.received.slice(1, 2)) before.device.acknowledge(packet);
    await until(async () => (await count()) === 2, 'one is completed');
    before.device.destroy();

    const after = await connect();
    expect(await all(after.received, 2)).toEqual(
      [first[0], first[2]].map((packet) => [...(packet ?? []).slice(0, 2), true]),
    );
    for (const packet of after.received) after.device.acknowledge(packet);
    await until(async () => (await count()) === 0, 'all are completed');
    await after.device.ping();
    expect(after.received).toHaveLength(2);
  });

  it('come again as they were after a restart of the hub', async () => {
    const before = await connect();
    await before.device.subscribe(FILTER);
    await send('a', 'b');
    const first = await all(before.received, 2);
    await hub.close();
    hub = await startTestIotHub({ inMemory: false, dataDirectory });
    const after = await connect();
    expect(await all(after.received, 2)).toEqual(first.map((packet) => [...packet.slice(0, 2), true]));
  });

  it('go over to the connection that replaces theirs', async () => {
    const before = await connect();
    await before.device.subscribe(FILTER);
    await send('a', 'b');
    const first = await all(before.received, 2);
    const after = await connect();
    await before.device.closed;
    expect(await all(after.received, 2)).toEqual(first.map((packet) => [...packet.slice(0, 2), true]));
  });
});
