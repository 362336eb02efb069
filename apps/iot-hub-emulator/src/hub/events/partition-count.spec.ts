import { EmulatorOptionError } from '../../emulator-options.js';
import { Store } from '../../storage/store.js';
import { ConsumerGroups } from './consumer-groups.js';
import { storedPartitionCount } from './partition-count.js';

describe(storedPartitionCount.name, () => {
  let store: Store;
  beforeEach(() => {
    store = new Store(':memory:');
  });
  afterEach(() => {
    store.close();
  });

  it('is 4 unless told otherwise, and stays what it was first', async () => {
    expect(await storedPartitionCount(store, undefined)).toBe(4);
    expect(await storedPartitionCount(store, 4)).toBe(4);
    await expect(storedPartitionCount(store, 8)).rejects.toThrow(/has 4 partitions/);
  });

  it('takes 2 to 32', async () => {
    for (const wrong of [0, 1, 33, 2.5, Number.NaN]) {
      await expect(storedPartitionCount(store, wrong)).rejects.toThrow(EmulatorOptionError);
    }
    expect(await storedPartitionCount(store, 32)).toBe(32);
    expect(await storedPartitionCount(store, undefined)).toBe(32);
  });

  it('is 4 in a database that has messages from before there was a choice', async () => {
    store.database.exec(
      `INSERT INTO message_runs (messages, partition_id, last_enqueued_ms, endpoints, shared_endpoints, stretches, bodies)
         VALUES (1, 0, 0, 1, 1, '[]', x'')`,
    );
    await expect(storedPartitionCount(store, 8)).rejects.toThrow(/has 4 partitions/);
    expect(await storedPartitionCount(store, undefined)).toBe(4);
  });
});

describe(ConsumerGroups.name, () => {
  it('knows the default group and those it was given, in any case', () => {
    const groups = new ConsumerGroups(['dashboard', '$default', 'Dashboard']);
    expect(groups.find('$DEFAULT')).toBe('$Default');
    expect(groups.find('DashBoard')).toBe('dashboard');
    expect(() => groups.find('others')).toThrow(/'others' could not be found.*\$Default, dashboard/);
  });

  it.each(['', ' ', 'a b', '-a', 'a'.repeat(51), 'a/b'])('refuses the name %j', (name) => {
    expect(() => new ConsumerGroups([name])).toThrow(EmulatorOptionError);
  });

  it('takes 20 groups', () => {
    const names = Array.from({ length: 20 }, (_, index) => `g${index}`);
    expect(() => new ConsumerGroups(names)).toThrow(/20/);
    expect(new ConsumerGroups(names.slice(1)).find('g19')).toBe('g19');
  });
});
