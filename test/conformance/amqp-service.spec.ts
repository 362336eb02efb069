import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Message, SharedAccessSignature } from 'azure-iot-common';
import { Amqp, AmqpWs, Client } from 'azure-iothub';
import { manualClock, type ManualClock } from '../../apps/iot-hub-emulator/test-support/manual-clock.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

/** The SDK appends port 443 to a host name that has a port already. */
class AmqpWsOfPort extends AmqpWs {
  protected override _getConnectionUri(): string {
    return `wss://${this._config.host}/$iothub/websocket`;
  }
}

const MINUTE_MS = 60_000;

describe.each([
  ['AMQP', Amqp],
  ['AMQP over WebSocket', AmqpWsOfPort],
])('the service client of azure-iothub over %s', (_name, transport) => {
  const trusted = getCACertificates('default');
  let hub: TestIotHub;
  let clock: ManualClock;
  let clients: Client[];

  beforeAll(async () => {
    clock = manualClock(Date.now());
    hub = await startTestIotHub({ clock });
    setDefaultCACertificates([...trusted, hub.emulator.caCertificate]);
    await hub.addDevice('d1');
  });
  afterAll(async () => {
    await hub.close();
    setDefaultCACertificates(trusted);
  });
  beforeEach(() => {
    clients = [];
    hub.log.length = 0;
  });
  afterEach(async () => {
    for (const client of clients) await client.close().catch(() => undefined);
  });

  const keep = (client: Client): Client => {
    clients.push(client);
    return client;
  };
  const connectionString = (changes: Record<string, string> = {}) =>
    Object.entries(changes).reduce(
      (text, [name, value]) => text.replace(new RegExp(`;${name}=[^;]*`), `;${name}=${value}`),
      hub.emulator.serviceConnectionString,
    );
  const aClient = (changes?: Record<string, string>) =>
    keep(Client.fromConnectionString(connectionString(changes), transport));
  const part = (name: string) => new RegExp(`;?${name}=([^;]*)`).exec(hub.emulator.serviceConnectionString)?.[1] ?? '';
  const signature = (lifetimeMs: number) =>
    SharedAccessSignature.create(
      part('HostName'),
      part('SharedAccessKeyName'),
      part('SharedAccessKey'),
      Math.floor((clock.nowMs() + lifetimeMs) / 1000),
    ).toString();
  const reasons = () => hub.log.map(({ reason }) => reason).filter((reason) => reason !== undefined);
  const named = (name: string): unknown => expect.objectContaining({ name });

  it('opens, sends, closes, and opens again', async () => {
    const client = aClient();
    await client.open();
    await client.send('d1', new Message('first'));
    await client.close();
    await client.open();
    await client.send('d1', new Message('second'));
    const { responseBody } = await hub.registry.get('d1');
    expect(Number(responseBody.cloudToDeviceMessageCount)).toBeGreaterThanOrEqual(2);
    await hub.registry.getTwin('d1');
  });

  it('opens by itself to send', async () => {
    await aClient().send('d1', new Message('x'));
  });

  it.each([
    [
      'a key of another policy',
      { SharedAccessKey: Buffer.alloc(32, 1).toString('base64') },
      'not signed with the keys',
    ],
    ['a policy that there is not', { SharedAccessKeyName: 'nobody' }, 'no shared access policy of this hub'],
  ])('is refused with %s, and told so', async (_what, changes, reason) => {
    const client = aClient(changes);
    await expect(client.open()).rejects.toMatchObject({ amqpError: named('UnauthorizedError') });
    expect(reasons().join()).toContain(reason);
    await expect(client.send('d1', new Message('x'))).rejects.toThrow();
  });

  it('may open, but neither send nor receive, without the right to', async () => {
    const registry = Client.fromSharedAccessSignature(await signedByPolicy('registryReadWrite'), transport);
    keep(registry);
    await registry.open();
    await expect(registry.send('d1', new Message('x'))).rejects.toThrow();
    await until(() => reasons().includes('policy registryReadWrite lacks ServiceConnect'), 'the reason in the log');
  });

  async function signedByPolicy(name: string): Promise<string> {
    const { developmentPolicies } = await import('../../apps/iot-hub-emulator/src/hub/access/policies.js');
    const key = developmentPolicies().find((policy) => policy.name === name)?.primaryKey ?? '';
    const expiry = Math.floor((clock.nowMs() + 60 * MINUTE_MS) / 1000);
    return SharedAccessSignature.create(part('HostName'), name, key, expiry).toString();
  }

  it("meets the hub's refusals as the SDK's own errors, and goes on", async () => {
    const client = aClient();
    await expect(client.send('nobody', new Message('x'))).rejects.toMatchObject({ name: 'DeviceNotFoundError' });
    await expect(client.send('d1', new Message(Buffer.alloc(64 * 1024 + 1)))).rejects.toMatchObject({
      name: 'MessageTooLargeError',
    });
    await hub.addDevice('full');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 51 }, (_, index) => client.send('full', new Message(`${index}`))),
    );
    expect(outcomes.slice(0, 50).every(({ status }) => status === 'fulfilled')).toBe(true);
    expect(outcomes[50]).toMatchObject({ reason: { name: 'DeviceMaximumQueueDepthExceededError' } });
    await client.send('d1', new Message(Buffer.alloc(63 * 1024)));
  });

  it('sends 64 KiB, no more', async () => {
    await hub.addDevice('exact');
    const client = aClient();
    const room = 64 * 1024 - '/devices/exact/messages/devicebound'.length;
    await client.send('exact', new Message(Buffer.alloc(room)));
    await expect(client.send('exact', new Message(Buffer.alloc(room + 1)))).rejects.toMatchObject({
      name: 'MessageTooLargeError',
    });
  });

  it('stays connected as long as it renews its token', async () => {
    const client = keep(Client.fromSharedAccessSignature(signature(5 * MINUTE_MS), transport));
    await client.open();
    await client.send('d1', new Message('x'));
    await sent(client, signature(10 * MINUTE_MS));
    clock.advance(6 * MINUTE_MS);
    await client.send('d1', new Message('x'));
    expect(reasons()).not.toContain('the token has expired');
  });

  it('is disconnected when its token lapses, and connects anew with another', async () => {
    const client = keep(Client.fromSharedAccessSignature(signature(MINUTE_MS), transport));
    await client.open();
    await client.send('d1', new Message('x'));
    const disconnected = new Promise((resolve) => client.once('disconnect', resolve));
    clock.advance(MINUTE_MS);
    await disconnected;
    await expect(client.open()).rejects.toMatchObject({ amqpError: named('UnauthorizedError') });
    expect(reasons().some((reason) => reason.startsWith('the token has expired by'))).toBe(true);
    await sent(client, signature(10 * MINUTE_MS));
    await client.send('d1', new Message('x'));
  });

  /** Not promised by the declarations, but there: used while connected, or for the next connection. */
  async function sent(client: Client, token: string): Promise<void> {
    const { _transport: amqp } = client as unknown as { _transport: Amqp };
    await amqp.updateSharedAccessSignature(token);
  }

  it('is told when the hub goes', async () => {
    const other = await startTestIotHub();
    setDefaultCACertificates([...trusted, hub.emulator.caCertificate, other.emulator.caCertificate]);
    const client = keep(Client.fromConnectionString(other.emulator.serviceConnectionString, transport));
    await client.open();
    const disconnected = new Promise((resolve) => client.once('disconnect', resolve));
    await other.close();
    await disconnected;
  });
});
