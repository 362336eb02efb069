import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { serviceToken } from '../support/service-token.js';
import { storedLog } from '../support/stored-messages.js';
import { until } from '../support/until.js';

const ROUTES = path.join(__dirname, '../../infra/routing/routes.json');

interface ReportedProperties {
  update(patch: object, done: (cause: Error | null) => void): void;
}

interface LoggedEvent {
  readonly source: string;
  readonly deviceId: string;
  readonly opType: string;
  readonly properties: Record<string, string>;
  readonly systemProperties: Record<string, string>;
  readonly body: Record<string, unknown>;
}

describe('events in the built-in endpoint', () => {
  let directory: string;
  let hub: TestIotHub;

  const start = async () => {
    hub = await startTestIotHub({
      inMemory: false,
      dataDirectory: directory,
      routing: ROUTES,
      // Named by the routes; nothing listens there, which is nobody else's trouble.
      cosmosDbEndpoints: [
        {
          name: 'telemetry',
          connectionString: 'AccountEndpoint=https://127.0.0.1:1/;AccountKey=a2V5;',
          databaseName: 'iot',
          containerName: 'telemetry',
          partitionKeyName: 'partitionKey',
        },
      ],
    });
  };
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'routing-events-'));
    await start();
  });
  afterEach(async () => {
    await hub.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** What is on disk of the built-in endpoint, oldest first, but for telemetry. */
  const events = (): LoggedEvent[] => {
    const found = storedLog(directory).filter(
      ({ source, endpoints }) => (endpoints & 1) !== 0 && source !== 'Telemetry',
    );
    return found.map(({ source, deviceId, properties, systemProperties, body }) => ({
      source,
      deviceId,
      opType: properties.opType ?? '',
      properties,
      systemProperties,
      body: JSON.parse(body) as Record<string, unknown>,
    }));
  };
  const ofType = (opType: string) => events().filter((event) => event.opType === opType);

  it('tells of devices that are registered and removed, with their twin', async () => {
    await hub.addDevice('cam1');
    await hub.registry.delete('cam1');
    const [created, deleted, ...more] = events();
    expect(more).toEqual([]);
    expect(created).toMatchObject({
      source: 'deviceLifecycleEvents',
      deviceId: 'cam1',
      opType: 'createDeviceIdentity',
      systemProperties: { contentType: 'application/json', contentEncoding: 'utf-8', userId: 'localhub' },
      properties: {
        hubName: 'localhub',
        deviceId: 'cam1',
        'iothub-message-schema': 'deviceLifecycleNotification',
        operationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      },
      body: {
        deviceId: 'cam1',
        etag: 'AAAAAAAAAAE=',
        version: 2,
        properties: { desired: { $version: 1 }, reported: { $version: 1 } },
      },
    });
    expect(deleted).toMatchObject({ opType: 'deleteDeviceIdentity', body: { deviceId: 'cam1' } });
    expect(deleted?.systemProperties.correlationId).not.toBe(created?.systemProperties.correlationId);
  });

  it('tells what an update of a twin changed, by service and device', async () => {
    const { connectionString } = await hub.addDevice('cam1');
    const twin = (await hub.registry.getTwin('cam1')).responseBody;
    await twin.update({ tags: { room: 'a' }, properties: { desired: { interval: 5 } } });
    const [update] = ofType('updateTwin');
    const stamp = { $lastUpdated: expect.any(String) as string, $lastUpdatedVersion: 2 };
    expect(update).toMatchObject({
      source: 'twinChangeEvents',
      properties: { 'iothub-message-schema': 'twinChangeNotification' },
    });
    expect(update?.body).toEqual({
      version: 3,
      tags: { room: 'a' },
      properties: { desired: { interval: 5, $metadata: { ...stamp, interval: stamp }, $version: 2 } },
    });

    const device = await hub.device(connectionString);
    const deviceTwin = await device.getTwin();
    const reported = deviceTwin.properties.reported as ReportedProperties;
    await promisify(reported.update.bind(reported))({ level: 3, gone: null });
    const [, report] = ofType('updateTwin');
    const reportStamp = { $lastUpdated: expect.any(String) as string };
    expect(report?.body).toEqual({
      version: 4,
      properties: {
        reported: { level: 3, gone: null, $metadata: { ...reportStamp, level: reportStamp }, $version: 2 },
      },
    });
  });

  it('tells all of a twin that was replaced', async () => {
    await hub.addDevice('cam1');
    const { status } = await httpsCall(hub.agent, {
      method: 'PUT',
      path: '/twins/cam1?api-version=2021-04-12',
      headers: { authorization: serviceToken(hub), 'content-type': 'application/json', 'if-match': '"*"' },
      body: JSON.stringify({ tags: { room: 'b' }, properties: { desired: { a: 1 } } }),
    });
    expect(status).toBe(200);
    expect(ofType('replaceTwin').map(({ body }) => body)).toMatchObject([
      {
        deviceId: 'cam1',
        etag: 'AAAAAAAAAAI=',
        version: 3,
        tags: { room: 'b' },
        properties: { desired: { a: 1, $version: 2 }, reported: { $version: 1 } },
      },
    ]);
  });

  it('tells of nothing that was refused', async () => {
    await hub.addDevice('cam1');
    await expect(hub.registry.updateTwin('cam1', { tags: { room: 'c' } }, 'AAAAAAAAAAk=')).rejects.toThrow();
    await expect(hub.addDevice('cam1')).rejects.toThrow();
    expect(events().map(({ opType }) => opType)).toEqual(['createDeviceIdentity']);
  });

  it('tells of connections that come and go, in a strict order, also over a restart', async () => {
    const { connectionString } = await hub.addDevice('cam1');
    const device = await hub.device(connectionString);
    await device.open();
    await until(() => ofType('deviceConnected').length === 1, 'an event of the connection');
    await device.close();
    await until(() => ofType('deviceDisconnected').length === 1, 'an event of its end');
    await (await hub.device(connectionString)).open();
    await until(() => ofType('deviceConnected').length === 2, 'an event of the second connection');
    // The hub's own end is one of the connection too.
    await hub.close();
    await start();
    const found = events().filter(({ source }) => source === 'deviceConnectionStateEvents');
    expect(found.map(({ opType }) => opType)).toEqual([
      'deviceConnected',
      'deviceDisconnected',
      'deviceConnected',
      'deviceDisconnected',
    ]);
    const numbers = found.map(({ body }) => body.sequenceNumber as string);
    for (const number of numbers) expect(number).toMatch(/^[0-9A-F]{64}$/);
    expect([...new Set(numbers)].sort()).toEqual(numbers);
    expect(found[0]?.properties['iothub-message-schema']).toBe('deviceConnectionStateNotification');
  });
});
