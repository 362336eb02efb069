import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Message } from 'azure-iot-device';
import { type CosmosServer, startCosmosServer } from '../support/cosmos-server.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

const ROUTES = 'infra/routing/routes.json';

const json = (content: object, properties: Record<string, string> = {}): Message => {
  const message = new Message(JSON.stringify(content));
  message.contentType = 'application/json';
  message.contentEncoding = 'utf-8';
  for (const [name, value] of Object.entries(properties)) message.properties.add(name, value);
  return message;
};

describe('routing to a Cosmos DB endpoint', () => {
  let directory: string;
  let cosmos: CosmosServer;
  let hub: TestIotHub;

  const start = () =>
    startTestIotHub({
      inMemory: false,
      dataDirectory: directory,
      routing: ROUTES,
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

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'routing-'));
    cosmos = await startCosmosServer(path.join(directory, 'tls'));
    hub = await start();
  });
  afterEach(async () => {
    await hub.close();
    await cosmos.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('writes telemetry as the documents IoT Hub writes', async () => {
    const { connectionString } = await hub.addDevice('cam1');
    const device = await hub.device(connectionString);
    const message = json({ cpu: 0.5 }, { kind: 'telemetry' });
    message.messageId = 'm1';
    await device.sendEvent(message);
    const [document] = await until(async () => {
      const documents = await cosmos.documents();
      return documents.length > 0 && documents;
    }, 'a document');
    expect(document).toMatchObject({ Body: { cpu: 0.5 } });
  });
});
