import { createHmac } from 'node:crypto';
import { earliestEventPosition, EventHubConsumerClient } from '@azure/event-hubs';
import { type Client, Message } from 'azure-iot-device';
import { type ManualClock, manualClock } from '../../apps/iot-hub-emulator/test-support/manual-clock.js';
import { bodyText, EventHubReaders } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

const MINUTE_MS = 60_000;
/** When the SDK presents a token anew, by its own clock. */
const RENEWAL_MS = 45 * MINUTE_MS;

/** The application renews its signature; the SDK presents it when it attaches anew. */
describe('the tokens of @azure/event-hubs', () => {
  let clock: ManualClock;
  let hub: TestIotHub;
  let readers: EventHubReaders;
  let device: Client;
  /** Given to the SDK, which reads the signature whenever it needs one. */
  let credential: { signature: string };
  let client: EventHubConsumerClient;

  beforeAll(() => {
    const { setTimeout: original } = globalThis;
    // The SDK forgets the timer of a link that has ended, which would keep this process.
    jest.spyOn(globalThis, 'setTimeout').mockImplementation((task: () => void, delayMs?: number) => {
      const timer = original(task, delayMs);
      return delayMs === RENEWAL_MS ? timer.unref() : timer;
    });
  });
  afterAll(() => jest.restoreAllMocks());

  beforeEach(async () => {
    clock = manualClock(Date.now());
    hub = await startTestIotHub({ clock });
    readers = new EventHubReaders(hub);
    device = await hub.device((await hub.addDevice('d1')).connectionString);
    await device.open();
    credential = { signature: signature(MINUTE_MS) };
    const { endpoint, eventHub } = parts();
    client = new EventHubConsumerClient('$Default', endpoint.hostname, eventHub, credential, {
      customEndpointAddress: endpoint.href,
      retryOptions: { maxRetries: 1000, retryDelayInMs: 10, timeoutInMs: 5000 },
    });
  });
  afterEach(async () => {
    await readers.close();
    await client.close();
    await hub.close();
  });

  function parts() {
    const text = hub.emulator.eventHubsConnectionString;
    const part = (name: string) => new RegExp(`(?:^|;)${name}=([^;]+)`).exec(text)?.[1] ?? '';
    return {
      endpoint: new URL(part('Endpoint')),
      eventHub: part('EntityPath'),
      policy: part('SharedAccessKeyName'),
      key: part('SharedAccessKey'),
    };
  }

  /** Over the whole event hub, signed with the text of the key as Event Hubs has it. */
  function signature(lifetimeMs: number): string {
    const { endpoint, eventHub, policy, key } = parts();
    const resource = encodeURIComponent(`sb://${endpoint.hostname}/${eventHub}`);
    const expiry = Math.floor((clock.nowMs() + lifetimeMs) / 1000);
    const hash = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest('base64');
    return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(hash)}&se=${expiry}&skn=${policy}`;
  }

  const lines = (msg: string) => hub.log.filter((line) => line.msg === msg);
  const receiversOpened = () => lines('Link opened').filter(({ address }) => String(address).includes('/Partitions/'));

  async function following() {
    await device.sendEvent(new Message('before'));
    const partitionId = await readers.partitionInUse();
    const followed = readers.follow(client, { partitionId, startPosition: earliestEventPosition });
    await until(() => followed.events.length === 1, 'the first event');
    return followed;
  }
  const expectEach = async ({ events }: { events: { body: unknown }[] }, ...texts: string[]) => {
    await until(() => events.length >= texts.length, 'the events since');
    expect(events.map(bodyText)).toEqual(texts);
  };

  it('lapse: the link ends, and the SDK goes on by itself with the next one, on the same connection', async () => {
    const { events, errors } = await following();
    const before = receiversOpened().length;
    credential.signature = signature(10 * MINUTE_MS);
    clock.advance(MINUTE_MS);
    expect(lines('Claim lapsed')).toEqual([expect.objectContaining({ reason: 'the token has expired' })]);
    await until(() => receiversOpened().length > before, 'the SDK to attach anew');
    await device.sendEvent(new Message('after'));
    await expectEach({ events }, 'before', 'after');
    expect(errors).toEqual([]);
    expect(lines('Connection closed by the hub')).toEqual([]);
    expect(new Set(receiversOpened().map(({ peer }) => peer)).size).toBe(1);
  });

  it('lapse before there is another: the SDK keeps asking, and what came meanwhile follows, in order', async () => {
    const { events, errors } = await following();
    clock.advance(MINUTE_MS);
    await until(() => lines('Token refused').length > 0, 'the SDK to try with the old one');
    expect(lines('Token refused')[0]).toMatchObject({ reason: expect.stringContaining('the token has expired by') });
    await device.sendEvent(new Message('meanwhile'));
    credential.signature = signature(10 * MINUTE_MS);
    await device.sendEvent(new Message('after'));
    await expectEach({ events }, 'before', 'meanwhile', 'after');
    expect(errors).toEqual([]);
  });

  it('lapse for questions, too, and the next one is asked with the next token', async () => {
    const properties = () => client.getPartitionProperties('0');
    await properties();
    credential.signature = signature(10 * MINUTE_MS);
    clock.advance(MINUTE_MS);
    expect(lines('Claim lapsed')).toHaveLength(1);
    expect(await properties()).toMatchObject({ partitionId: '0' });
  });
});
