import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BlobCheckpointStore } from '@azure/eventhubs-checkpointstore-blob';
import { earliestEventPosition, type CheckpointStore } from '@azure/event-hubs';
import { ContainerClient } from '@azure/storage-blob';
import { Message, type Client } from 'azure-iot-device';
import { startAzurite } from '../support/azurite.js';
import { bodyText, EventHubReaders, type Followed } from '../support/event-hub.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { memoryCheckpointStore } from '../support/memory-checkpoint-store.js';
import { until } from '../support/until.js';

const DEVICES = ['d1', 'd2', 'd3', 'd4', 'd5', 'd6'];

describe('event processors with checkpoints', () => {
  let directory: string;
  let hub: TestIotHub;
  let readers: EventHubReaders;
  let devices: Client[];
  let closeStorage: (() => Promise<void>) | undefined;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'event-hubs-checkpoints-'));
    await start();
    for (const id of DEVICES) await hub.addDevice(id);
    await connect();
  });
  afterEach(async () => {
    await stop();
    // After the processors, which give their partitions up there.
    await closeStorage?.();
    closeStorage = undefined;
    await rm(directory, { recursive: true, force: true });
  });

  const start = async () => {
    hub = await startTestIotHub({ inMemory: false, dataDirectory: directory });
    readers = new EventHubReaders(hub);
  };
  const stop = async () => {
    await readers.close();
    await hub.close();
  };
  const connect = async () => {
    devices = await Promise.all(
      DEVICES.map(async (id) => {
        const device = await hub.device(hub.emulator.deviceConnectionString(id));
        await device.open();
        return device;
      }),
    );
  };
  const sendAll = async (text: string) => {
    await Promise.all(devices.map((device, index) => device.sendEvent(new Message(`${text} ${DEVICES[index] ?? ''}`))));
  };
  /** A processor of all partitions that takes note of how far it is after each batch. */
  const process = (store: CheckpointStore): Followed =>
    readers.follow(readers.client({ store, loadBalancingOptions: { strategy: 'balanced', updateIntervalInMs: 100 } }), {
      startPosition: earliestEventPosition,
      onBatch: async (batch, context) => {
        const last = batch.at(-1);
        if (last) await context.updateCheckpoint(last);
      },
    });
  const expected = (text: string) => DEVICES.map((id) => `${text} ${id}`);
  const bodies = ({ events }: Followed) => events.map(bodyText).sort();

  async function resumesWith(store: CheckpointStore): Promise<void> {
    await sendAll('first');
    const first = process(store);
    await until(() => first.events.length >= DEVICES.length, 'all first events');
    await first.subscription.close();
    expect(bodies(first)).toEqual(expected('first'));
    await sendAll('second');
    await stop();
    await start();
    const second = process(store);
    await until(() => second.events.length >= DEVICES.length, 'all second events');
    await connect();
    await sendAll('third');
    await until(() => second.events.length >= 2 * DEVICES.length, 'all third events');
    await second.subscription.close();
    expect(bodies(second)).toEqual([...expected('second'), ...expected('third')].sort());
  }

  it('go on where they were, over a restart of the hub', async () => {
    await resumesWith(memoryCheckpointStore());
  });

  it('keep their checkpoints in Blob Storage', async () => {
    const azurite = await startAzurite(hub.emulator.tls);
    closeStorage = azurite.close;
    const container = new ContainerClient(azurite.connectionString, 'checkpoints');
    await container.create();
    await resumesWith(new BlobCheckpointStore(container));
  });

  it('share the partitions, and take over those of one that goes', async () => {
    const store = memoryCheckpointStore();
    const processors = [process(store), process(store)] as const;
    const [one, two] = processors;
    await until(
      async () => {
        await sendAll('shared');
        return one.events.length > 0 && two.events.length > 0;
      },
      'both have partitions',
      20_000,
    );
    await one.subscription.close();
    const before = two.events.length;
    await sendAll('after');
    await until(() => {
      const after = two.events.slice(before).map(bodyText);
      return expected('after').every((text) => after.includes(text));
    }, 'the other one has them all');
  });
});
