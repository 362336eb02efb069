import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Client, Message } from 'azure-iot-device';
import { type CosmosServer, type RoutedDocument, startCosmosServer } from '../support/cosmos-server.js';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { storedLog } from '../support/stored-messages.js';
import { until } from '../support/until.js';

/** The routes that the local stack and Azure have. */
const ROUTES = path.join(__dirname, '../../infra/routing/routes.json');

type Routing = NonNullable<Parameters<typeof startTestIotHub>[0]>['routing'];

function json(content: object, properties: Record<string, string> = {}): Message {
  const message = new Message(JSON.stringify(content));
  message.contentType = 'application/json';
  message.contentEncoding = 'utf-8';
  for (const [name, value] of Object.entries(properties)) message.properties.add(name, value);
  return message;
}

const route = (source: string, condition: string, endpoint: string) => ({
  name: `${source}-to-${endpoint}`,
  source: source as 'DeviceMessages',
  condition,
  endpointNames: [endpoint] as [string],
  isEnabled: true,
});

describe('routing to a Cosmos DB endpoint', () => {
  let directory: string;
  let cosmos: CosmosServer;
  let hub: TestIotHub;

  const start = async (routing: Routing = ROUTES) => {
    hub = await startTestIotHub({
      inMemory: false,
      dataDirectory: directory,
      ...(routing && { routing }),
      cosmosDbEndpoints: [
        {
          name: 'telemetry',
          connectionString: cosmos.connectionString,
          databaseName: 'iot',
          containerName: 'telemetry',
          partitionKeyName: 'partitionKey',
        },
      ],
    });
  };

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'routing-'));
    cosmos = await startCosmosServer(path.join(directory, 'tls'));
  });
  afterEach(async () => {
    await hub.close();
    await cosmos.close();
    await rm(directory, { recursive: true, force: true });
  });

  const connect = async (deviceId: string): Promise<Client> => {
    const { connectionString } = await hub.addDevice(deviceId);
    return await hub.device(connectionString);
  };
  const documents = (count: number): Promise<RoutedDocument[]> =>
    until(async () => {
      const found = await cosmos.documents();
      return found.length >= count && found;
    }, `${count} documents`);
  const sendNumbers = (device: Client, from: number, to: number) =>
    Promise.all(Array.from({ length: to - from }, (_, index) => device.sendEvent(json({ n: from + index }))));
  const numbersOf = (found: readonly RoutedDocument[]) => found.map(({ Body }) => (Body as { n: number }).n);
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
  const builtIn = () => {
    return storedLog(directory)
      .filter(({ endpoints }) => (endpoints & 1) !== 0)
      .map(({ source, properties, body }) => ({ source, properties, body: JSON.parse(body) as unknown }));
  };
  const health = async (): Promise<unknown> => {
    const { body } = await httpsCall(hub.agent, { method: 'GET', path: '/health' });
    return JSON.parse(body) as unknown;
  };
  const logged = (msg: string) => hub.log.filter((line) => line.msg === msg);

  it('writes telemetry as the documents IoT Hub writes, and to the built-in endpoint too', async () => {
    await start();
    const device = await connect('cam1');
    const message = json({ cpu: 0.5 }, { kind: 'telemetry' });
    message.messageId = 'm1';
    await device.sendEvent(message);
    const [document] = await documents(1);
    const month = new Date().toISOString().slice(0, 7);
    expect(document).toMatchObject({
      partitionKey: `cam1-${month}`,
      Properties: { kind: 'telemetry' },
      SystemProperties: {
        'message-id': 'm1',
        'iothub-connection-device-id': 'cam1',
        'iothub-content-type': 'application/json',
        'iothub-content-encoding': 'utf-8',
        'iothub-message-source': 'Telemetry',
      },
      'iothub-name': 'localhub',
      Body: { cpu: 0.5 },
    });
    expect(builtIn()).toContainEqual({ source: 'Telemetry', properties: { kind: 'telemetry' }, body: { cpu: 0.5 } });
  });

  it('shows a message well within a second', async () => {
    await start();
    const device = await connect('cam1');
    await device.sendEvent(json({ n: 0 }));
    await documents(1);
    const startedMs = performance.now();
    await device.sendEvent(json({ n: 1 }));
    await documents(2);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });

  it('keeps the order of every device, in requests of at most 100', async () => {
    await start();
    cosmos.mode = 'down';
    const devices = await Promise.all(['a', 'b'].map(connect));
    await Promise.all(devices.map((device) => sendNumbers(device, 0, 150)));
    cosmos.mode = 'up';
    const found = await documents(300);
    for (const deviceId of ['a', 'b']) {
      const own = found.filter(({ SystemProperties }) => SystemProperties['iothub-connection-device-id'] === deviceId);
      expect(numbersOf(own)).toEqual(upTo(150));
    }
    expect(Math.max(...cosmos.documentRequests.map(({ operations }) => operations))).toBe(100);
  });

  it('stores a body that says not that it is JSON as base64, and warns why', async () => {
    await start();
    const device = await connect('cam1');
    await device.sendEvent(new Message('{"a":1}'));
    const [document] = await documents(1);
    expect(document?.Body).toBe(Buffer.from('{"a":1}').toString('base64'));
    expect(hub.log).toContainEqual(
      expect.objectContaining({
        level: 40,
        deviceId: 'cam1',
        reason: 'it has no content type',
        msg: expect.stringContaining('stored as base64') as string,
      }),
    );
  });

  it('delays and loses nothing while the endpoint is down, and holds up nobody', async () => {
    await start();
    const device = await connect('cam1');
    await sendNumbers(device, 0, 5);
    await documents(5);
    cosmos.mode = 'down';
    await sendNumbers(device, 5, 130);
    // Acknowledged, and in the built-in endpoint, though the other one takes nothing.
    expect(builtIn().filter(({ source }) => source === 'Telemetry')).toHaveLength(130);
    const attempts = cosmos.documentRequests.length;
    await until(() => cosmos.documentRequests.length > attempts + 3, 'several attempts');
    expect(await health()).toMatchObject({ endpoints: [{ name: 'telemetry', health: 'unhealthy', pending: 125 }] });
    expect(logged('Endpoint takes no messages: they wait')).toHaveLength(1);
    cosmos.mode = 'up';
    expect(numbersOf(await documents(130))).toEqual(upTo(130));
    await until(() => logged('Endpoint takes messages').length === 2, 'a word that it is back');
  });

  it('repeats what was written but not answered, without duplicates, also over a restart in mid-batch', async () => {
    await start();
    const device = await connect('cam1');
    cosmos.mode = 'deaf';
    await sendNumbers(device, 0, 120);
    await documents(100);
    await hub.close();
    cosmos.mode = 'up';
    await start();
    expect(numbersOf(await documents(120))).toEqual(upTo(120));
    await until(async () => JSON.stringify(await health()).includes('"pending":0'), 'the end');
    expect(await cosmos.documents()).toHaveLength(120);
    const ids = (await cosmos.documents()).map(({ id }) => id);
    expect(new Set(ids).size).toBe(120);
  });

  it('waits for a container that is made later, and refuses one with another partition key', async () => {
    await cosmos.container.delete();
    await start();
    const device = await connect('cam1');
    await sendNumbers(device, 0, 3);
    await until(() => logged('Endpoint takes no messages: they wait').length > 0, 'the state');
    expect(logged('Endpoint takes no messages: they wait')[0]?.reason).toMatch(/no such database or container/);
    await cosmos.container.database.containers.create({ id: 'telemetry', partitionKey: '/partitionKey' });
    expect(numbersOf(await documents(3))).toEqual(upTo(3));
  });

  it('says when the container has another partition key than the endpoint', async () => {
    const { database } = cosmos.container;
    await cosmos.container.delete();
    await database.containers.create({ id: 'telemetry', partitionKey: '/pk' });
    await start();
    await sendNumbers(await connect('cam1'), 0, 1);
    await until(() => logged('Endpoint takes no messages: they wait').length > 0, 'the state');
    expect(logged('Endpoint takes no messages: they wait')[0]?.reason).toBe(
      "the container's partition key is /pk, the endpoint's partitionKeyName wants /partitionKey",
    );
    expect(await cosmos.documents()).toEqual([]);
  });

  it('takes the fallback for what no route takes, and for nothing else', async () => {
    await start({
      routes: [route('DeviceMessages', '$body.n > 0', 'telemetry')],
      fallbackRoute: {
        name: '$fallback',
        source: 'DeviceMessages',
        condition: 'true',
        endpointNames: ['events'],
        isEnabled: true,
      },
    });
    const device = await connect('cam1');
    await device.sendEvent(json({ n: 0 }));
    await device.sendEvent(json({ n: 1 }));
    expect(numbersOf(await documents(1))).toEqual([1]);
    expect(builtIn()).toEqual([{ source: 'Telemetry', properties: {}, body: { n: 0 } }]);
  });
});
