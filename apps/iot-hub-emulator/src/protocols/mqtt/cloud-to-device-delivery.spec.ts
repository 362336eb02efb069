import { duplexPair } from 'node:stream';
import type { IConnectPacket, IPublishPacket } from 'mqtt-packet';
import { aDeviceBoundMessage as aMessage, takenFeedback } from '../../../test-support/device-messages.js';
import { RawClient } from '../../../test-support/raw-mqtt-client.js';
import { aHub, aToken, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { utcText } from '../../hub/clock.js';
import type { DeviceBoundMessage } from '../../hub/cloud-to-device/device-bound-message.js';
import { purgeMessages } from '../../hub/cloud-to-device/purge-messages.js';
import { receiveMessage } from '../../hub/cloud-to-device/receive-message.js';
import { sendToDevice } from '../../hub/cloud-to-device/send-to-device.js';
import { MessageQueues } from '../../hub/queues/message-queues.js';
import { keepQueuesSwept } from '../../hub/queues/sweep-queues.js';
import { createIdentity } from '../../hub/registry/identities.js';
import { CloudToDeviceDelivery } from './cloud-to-device-delivery.js';
import { createMqttEndpoint } from './mqtt-endpoint.js';

const KEY = Buffer.alloc(32, 7).toString('base64');
const FILTER = 'devices/d1/messages/devicebound/#';
const WINDOW = 10;

describe(CloudToDeviceDelivery.name, () => {
  let hub: TestHub;
  let stop: () => void;
  let clients: RawClient[];
  beforeEach(async () => {
    hub = aHub();
    stop = keepQueuesSwept(hub);
    clients = [];
    await createIdentity(hub, {
      deviceId: 'd1',
      authentication: { type: 'sas', symmetricKey: { primaryKey: KEY, secondaryKey: KEY } },
    });
  });
  afterEach(() => {
    stop();
    hub.connections.closeAll('shutdown');
    for (const { stream } of clients) stream.destroy();
    hub.store.close();
  });

  async function connect(options: Partial<IConnectPacket> = {}): Promise<RawClient> {
    const [mine, theirs] = duplexPair();
    mine.once('close', () => theirs.destroy());
    const client = new RawClient(mine);
    clients.push(client);
    createMqttEndpoint(hub).accept(theirs, 'peer');
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clean: false,
      keepalive: 0,
      clientId: 'd1',
      username: 'localhost/d1/?api-version=2021-04-12',
      password: Buffer.from(aToken('localhost%2Fdevices%2Fd1', KEY, START_MS + 86_400_000)),
      ...options,
    });
    expect(await client.next()).toMatchObject({ cmd: 'connack', returnCode: 0 });
    return client;
  }
  async function subscribed(qos: 0 | 1 = 1, options: Partial<IConnectPacket> = {}): Promise<RawClient> {
    const client = (await connect(options)).subscribe(FILTER, qos);
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [qos] });
    return client;
  }
  const send = async (...ids: string[]) => {
    for (const id of ids) await sendToDevice(hub, 'd1', aMessage(id, { ack: 'full' }));
  };
  const nextMessage = async (client: RawClient) => {
    const packet = await client.next();
    if (packet === 'closed' || packet.cmd !== 'publish') throw new Error('The next packet is no message.');
    return packet;
  };
  const nextTexts = async (client: RawClient, count: number) => {
    const texts: string[] = [];
    while (texts.length < count) texts.push((await nextMessage(client)).payload.toString());
    return texts;
  };
  const acknowledge = (client: RawClient, { messageId = 0 }: IPublishPacket) =>
    client.send({ cmd: 'puback', messageId });
  /** Whatever the hub had to send before has arrived once its answer to this has. */
  const nothingMore = async (client: RawClient) => {
    client.send({ cmd: 'pingreq' });
    expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
  };
  const feedback = async (count: number) => {
    const seen: string[] = [];
    while (seen.length < count) {
      await new Promise(setImmediate);
      seen.push(...takenFeedback(hub));
    }
    return seen;
  };
  const topicOf = async (message: DeviceBoundMessage) => {
    const client = await subscribed();
    await sendToDevice(hub, 'd1', message);
    return (await nextMessage(client)).topic;
  };

  it('sends what waits once the device subscribes, and later messages as they come', async () => {
    await send('a', 'b');
    const client = await subscribed();
    expect(await nextTexts(client, 2)).toEqual(['a', 'b']);
    await send('c');
    expect(await nextTexts(client, 1)).toEqual(['c']);
  });

  it('sends what waits right after CONNACK when the session has the subscription', async () => {
    (await subscribed()).send({ cmd: 'disconnect' });
    await send('a');
    expect(await nextTexts(await connect(), 1)).toEqual(['a']);
  });

  it('sends nothing to a clean session before it subscribes', async () => {
    (await subscribed()).send({ cmd: 'disconnect' });
    await send('a');
    const client = await connect({ clean: true });
    await nothingMore(client);
    client.subscribe(FILTER, 1);
    expect(await client.next()).toMatchObject({ cmd: 'suback' });
    expect(await nextTexts(client, 1)).toEqual(['a']);
  });

  it('sends nothing after the device has unsubscribed', async () => {
    const client = await subscribed();
    client.send({ cmd: 'unsubscribe', messageId: 5, unsubscriptions: [FILTER] });
    expect(await client.next()).toMatchObject({ cmd: 'unsuback' });
    await send('a');
    await nothingMore(client);
  });

  it('completes a message by its PUBACK', async () => {
    const client = await subscribed();
    await send('a', 'b');
    const [a, b] = [await nextMessage(client), await nextMessage(client)];
    expect([a.qos, a.dup, a.retain]).toEqual([1, false, false]);
    acknowledge(client, b);
    expect(await feedback(1)).toEqual(['b Success']);
    acknowledge(client, a);
    expect(await feedback(1)).toEqual(['a Success']);
  });

  it('completes a message by sending it at QoS 0', async () => {
    const client = await subscribed(0);
    await send('a', 'b');
    expect(await nextMessage(client)).toMatchObject({ qos: 0, dup: false });
    expect(await feedback(2)).toEqual(['a Success', 'b Success']);
  });

  it('sends a message again as it was, marked DUP, when the device comes back without having acknowledged it', async () => {
    const before = await subscribed();
    await send('a', 'b', 'c');
    const [a, b, c] = [await nextMessage(before), await nextMessage(before), await nextMessage(before)];
    acknowledge(before, b);
    expect(await feedback(1)).toEqual(['b Success']);
    before.stream.destroy();
    const after = await connect();
    const again = [await nextMessage(after), await nextMessage(after)];
    expect(again).toEqual(
      [a, c].map((packet) => expect.objectContaining({ ...fieldsOf(packet), dup: true }) as unknown),
    );
  });

  it('hands unacknowledged messages to a connection that replaces theirs, in order', async () => {
    const before = await subscribed();
    const ids = Array.from({ length: WINDOW + 2 }, (_, index) => `m${index}`);
    await send(...ids);
    expect(await nextTexts(before, WINDOW)).toEqual(ids.slice(0, WINDOW));
    const after = await connect();
    expect(await before.next()).toBe('closed');
    expect(await nextTexts(after, WINDOW)).toEqual(ids.slice(0, WINDOW));
  });

  it('marks redelivery also after a restart of the hub', async () => {
    const before = await subscribed();
    await send('a');
    const first = await nextMessage(before);
    before.stream.destroy();
    stop();
    hub = { ...hub, queues: new MessageQueues(hub.clock) };
    stop = keepQueuesSwept(hub);
    expect(await nextMessage(await connect())).toMatchObject({ ...fieldsOf(first), dup: true });
  });

  it('keeps no more than its window in flight', async () => {
    const client = await subscribed();
    const ids = Array.from({ length: WINDOW + 5 }, (_, index) => `m${index}`);
    await send(...ids);
    const sent = await Promise.all(Array.from({ length: WINDOW }, () => nextMessage(client)));
    await nothingMore(client);
    for (const packet of sent.slice(0, 2)) acknowledge(client, packet);
    expect(await nextTexts(client, 2)).toEqual([`m${WINDOW}`, `m${WINDOW + 1}`]);
    await nothingMore(client);
  });

  it('takes a PUBACK for a message that has expired or was purged', async () => {
    const client = await subscribed();
    await sendToDevice(hub, 'd1', aMessage('a', { ack: 'full', expiryTimeUtc: utcText(START_MS + 1000) }));
    await send('b');
    const [a, b] = [await nextMessage(client), await nextMessage(client)];
    hub.clock.advance(1000);
    expect(await feedback(1)).toEqual(['a Expired']);
    await purgeMessages(hub, 'd1');
    expect(await feedback(1)).toEqual(['b Purged']);
    acknowledge(client, a);
    acknowledge(client, b);
    acknowledge(client, { ...b, messageId: 999 });
    await send('c');
    expect(await nextTexts(client, 1)).toEqual(['c']);
  });

  it('does not give a message that is under way to another receiver, however long it takes', async () => {
    const client = await subscribed();
    await send('a');
    await nextMessage(client);
    hub.clock.advance(5 * 60_000);
    expect(receiveMessage(hub, 'd1')).toBeUndefined();
    client.send({ cmd: 'disconnect' });
    expect(await client.next()).toBe('closed');
    expect(receiveMessage(hub, 'd1')).toBeDefined();
  });

  it('writes properties into the topic, percent-encoded', async () => {
    const topic = await topicOf({
      body: Buffer.of(0),
      systemProperties: {
        messageId: 'id/1',
        correlationId: 'c',
        userId: 'u',
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        ack: 'full',
        expiryTimeUtc: '2030-01-01T13:00:00.000Z',
      },
      properties: { 'a/b': 'c/d&e=f', empty: '', none: null, ünï: '字' },
    });
    expect(topic).toBe(
      'devices/d1/messages/devicebound/%24.mid=id%2F1&%24.cid=c&%24.uid=u' +
        '&%24.to=%2Fdevices%2Fd1%2Fmessages%2Fdevicebound&%24.exp=2030-01-01T13%3A00%3A00.000Z' +
        '&%24.ct=application%2Fjson&%24.ce=utf-8&iothub-ack=full' +
        '&a%2Fb=c%2Fd%26e%3Df&empty=&none&%C3%BCn%C3%AF=%E5%AD%97',
    );
  });

  it('rejects a message whose properties do not fit a topic, and goes on', async () => {
    const client = await subscribed();
    const properties = { long: '/'.repeat(25_000) };
    await sendToDevice(hub, 'd1', { ...aMessage('long', { ack: 'full' }), properties });
    await send('next');
    expect(await nextTexts(client, 1)).toEqual(['next']);
    expect(await feedback(1)).toEqual(['long Rejected']);
  });
});

const fieldsOf = ({ topic, payload, messageId, qos }: IPublishPacket) => ({ topic, payload, messageId, qos });
