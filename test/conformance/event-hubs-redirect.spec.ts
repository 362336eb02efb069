import { create_container, type EventContext } from 'rhea';
import { EventHubReaders } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { serviceToken } from '../support/service-token.js';

interface Redirect {
  readonly condition: string;
  readonly info?: Record<string, unknown>;
}

/** How `az iot hub monitor-events` and older clients find the event hub. */
describe("the way from the IoT hub's own address to its event hub", () => {
  let hub: TestIotHub;

  beforeEach(async () => {
    hub = await startTestIotHub({ hubName: 'myhub' });
  });
  afterEach(() => hub.close());

  /** What a receiver at an address is told. */
  const receiverError = (source: string, token = serviceToken(hub)): Promise<Redirect> =>
    new Promise((resolve, reject) => {
      const connection = create_container().connect({
        transport: 'tls',
        host: 'localhost',
        port: hub.emulator.port,
        ca: hub.emulator.caCertificate,
        username: 'iothubowner@sas.root.myhub',
        password: token,
        reconnect: false,
      } as object as Parameters<ReturnType<typeof create_container>['connect']>[0]);
      connection.on('receiver_error', ({ receiver }: EventContext) => {
        connection.close();
        resolve(receiver?.error as object as Redirect);
      });
      for (const event of ['connection_error', 'disconnected', 'error']) {
        connection.on(event, () => {
          reject(new Error(`The connection ended: ${event}`));
        });
      }
      connection.open_receiver({ source: { address: source } });
    });

  it.each([
    ['/messages/events/$management', 'myhub/$management'],
    ['amqps://localhost/messages/events/$management', 'myhub/$management'],
    ['/messages/events/ConsumerGroups/$Default/Partitions/1', 'myhub/ConsumerGroups/$Default/Partitions/1'],
  ])('sends a receiver of %s on', async (source, path) => {
    const { port } = hub.emulator;
    expect(await receiverError(source)).toMatchObject({
      condition: 'amqp:link:redirect',
      info: {
        hostname: `localhost:${port}`,
        'network-host': 'localhost',
        port,
        address: `amqps://localhost:${port}/${path}`,
      },
    });
  });

  it("leads to an event hub that takes the same policy's key", async () => {
    const { info = {} } = await receiverError('/messages/events/$management');
    const [, , authority = '', entity = ''] = String(info.address).split('/');
    expect(authority).toBe(info.hostname);
    const key = hub.emulator.serviceConnectionString.split('SharedAccessKey=')[1] ?? '';
    const readers = new EventHubReaders(hub);
    const connectionString = `Endpoint=sb://${String(info.hostname)}/;SharedAccessKeyName=iothubowner;SharedAccessKey=${key};EntityPath=${entity}`;
    expect(await readers.client({ connectionString }).getPartitionIds()).toHaveLength(4);
    await readers.close();
  });
});
