import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storedMessages } from '../support/stored-messages.js';
import { until } from '../support/until.js';
import { TortureHub } from './support/torture-hub.js';
import { figure, sized } from './support/torture-run.js';

const DEVICE = 'sender';
const ROUNDS = sized(20, 2);
const LIMIT_MS = sized(10 * 60_000, 60_000);
/** Room for a new hub and the messages of all rounds. */
const DISK_MIB = sized(64, 12);
const BODY_BYTES = 60_000;

/** A way to take the disk from a running hub, and to give it back. */
interface Trouble {
  readonly what: string;
  begin(hub: TortureHub): void;
  end(hub: TortureHub): void;
}

const run = (program: string, ...args: string[]) => execFileSync(program, args, { stdio: 'pipe' });

/** Writes beyond the limit fail, as to a disk that is full or, at 0, read-only. Node ignores the signal that comes with it. */
const limitFiles = (hub: TortureHub, bytes: number | 'unlimited') =>
  run('prlimit', '--pid', String(hub.process.pid), `--fsize=${bytes}:unlimited`);

const FILE_LIMITS: readonly Trouble[] = [
  {
    what: 'a disk that takes no byte more',
    begin: (hub) => limitFiles(hub, 0),
    end: (hub) => limitFiles(hub, 'unlimited'),
  },
  {
    what: 'files that may not grow',
    begin: (hub) => limitFiles(hub, 256 * 1024),
    end: (hub) => limitFiles(hub, 'unlimited'),
  },
];

/** What is only another file on the same disk: a real `ENOSPC`. */
const FULL_DISK: Trouble = {
  what: 'a full disk',
  begin: ({ dataDirectory }) => {
    for (let bytes = DISK_MIB * 2 ** 20; bytes >= 1; bytes = Math.floor(bytes / 2)) {
      try {
        writeFileSync(join(dataDirectory, 'filler'), Buffer.alloc(bytes), { flag: 'a' });
      } catch {
        // So much less is left.
      }
    }
  },
  end: ({ dataDirectory }) => {
    rmSync(join(dataDirectory, 'filler'));
  },
};

/** Mounting takes rights that not everyone has. */
function mountSmallDisk(directory: string): boolean {
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', directory);
    return true;
  } catch {
    return false;
  }
}

const hasPrlimit = process.platform === 'linux';

(hasPrlimit ? describe : describe.skip)('a hub whose disk refuses to be written', () => {
  let hub: TortureHub | undefined;
  let disk: string | undefined;
  afterEach(async () => {
    await hub?.remove();
    hub = undefined;
    if (disk === undefined) return;
    run('umount', disk);
    await rm(disk, { recursive: true });
    disk = undefined;
  });

  it.each(FILE_LIMITS)(
    'refuses and recovers: $what',
    async (trouble) => {
      hub = await TortureHub.make({ devices: [DEVICE] });
      await refusesAndRecovers(hub, trouble);
    },
    LIMIT_MS,
  );

  it(
    'refuses and recovers: a full disk',
    async () => {
      const directory = await mkdtemp(join(tmpdir(), 'small-disk-'));
      if (!mountSmallDisk(directory)) {
        await rm(directory, { recursive: true });
        console.warn('Not shown with a file system of its own: mounting one takes root.');
        return;
      }
      disk = directory;
      hub = await TortureHub.make({ devices: [DEVICE], dataDirectory: directory });
      await refusesAndRecovers(hub, FULL_DISK);
    },
    LIMIT_MS,
  );

  async function refusesAndRecovers(tortured: TortureHub, trouble: Trouble): Promise<void> {
    await tortured.start();
    const acknowledged: number[] = [];
    let refused = 0;
    let number = 0;
    const overHttps = async () => {
      number += 1;
      const { status } = await tortured.callAsDevice(DEVICE, {
        method: 'POST',
        path: `/devices/${DEVICE}/messages/events`,
        body: String(number).padEnd(BODY_BYTES),
      });
      if (status === 204) acknowledged.push(number);
      return status;
    };
    const overMqtt = async () => {
      number += 1;
      const sent = number;
      try {
        const mqtt = await tortured.connectMqtt(DEVICE);
        await mqtt.publish(`devices/${DEVICE}/messages/events/`, String(sent).padEnd(BODY_BYTES));
        acknowledged.push(sent);
        mqtt.destroy();
        return true;
      } catch {
        return false;
      }
    };
    const patchTwin = (n: number) =>
      tortured.callAsOwner({
        method: 'PATCH',
        path: `/twins/${DEVICE}`,
        body: JSON.stringify({ properties: { desired: { n } } }),
      });
    const readTwin = async () => {
      const { status, body } = await tortured.callAsOwner({ method: 'GET', path: `/twins/${DEVICE}` });
      expect(status).toBe(200);
      return (JSON.parse(body) as { properties: { desired: { n?: number } } }).properties.desired.n ?? 0;
    };

    for (let round = 1; round <= ROUNDS; round += 1) {
      expect(await overHttps()).toBe(204);
      expect(await overMqtt()).toBe(true);
      expect((await patchTwin(round)).status).toBe(200);

      trouble.begin(tortured);
      // What was free already may still be written: until it is gone, messages are taken.
      const status = await until(async () => {
        const answered = await overHttps();
        return answered !== 204 && answered;
      }, `${trouble.what}: a refusal over HTTPS`);
      expect([500, 503]).toContain(status);
      await until(async () => !(await overMqtt()), `${trouble.what}: a refusal over MQTT`);
      refused += 2;
      // Something small may still find room. What is there can be read all the while.
      const patched = (await patchTwin(-round)).status === 200;
      expect(await readTwin()).toBe(patched ? -round : round);

      trouble.end(tortured);
      expect(await overHttps()).toBe(204);
      expect(await overMqtt()).toBe(true);
      expect((await patchTwin(round)).status).toBe(200);
      expect(await readTwin()).toBe(round);
    }
    expect(tortured.readyAfterMs).toHaveLength(1);

    await tortured.kill();
    const stored = new Set(storedMessages(tortured.dataDirectory, DEVICE).map(({ body }) => Number(body)));
    expect(acknowledged.filter((sent) => !stored.has(sent))).toEqual([]);
    figure({ scenario: 'disk-full', what: `${trouble.what}: messages refused`, value: refused, unit: '' });
    figure({
      scenario: 'disk-full',
      what: `${trouble.what}: acknowledged ones kept`,
      value: acknowledged.length,
      unit: '',
    });
  }
});
