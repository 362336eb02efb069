import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { pino } from 'pino';
import { createBlobContainer } from '#libs/blob-storage';
import {
  captureEvent,
  captureImageFromCamera,
  captureImageFromFile,
  type PayloadClass,
  telemetry,
} from '#libs/contracts';
import { trustCertificateAuthority } from '#libs/runtime';
import { loadDeviceAgentSettings } from '../../apps/device-agent/src/device-agent.config.js';
import { type DeviceAgent, startDeviceAgent } from '../../apps/device-agent/src/device-agent.js';
import { Outbox } from '../../apps/device-agent/src/outbox/outbox.js';
import { startAzurite } from '../support/azurite.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { selfSignedCertificate } from '../support/self-signed-certificate.js';
import { type StoredMessage, storedMessages } from '../support/stored-messages.js';
import { until } from '../support/until.js';

const CONTAINER = 'dev';
const PICTURE = './docs/assets/1_architecture.png';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface Acknowledgement {
  value: number;
  ac: number;
  av: number;
  ad?: string;
}

describe('what the device agent sends', () => {
  let certificate: Awaited<ReturnType<typeof selfSignedCertificate>>;
  let azurite: Awaited<ReturnType<typeof startAzurite>>;
  let hub: TestIotHub;
  let directory: string;
  let agent: DeviceAgent | undefined;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'device-telemetry-'));
    certificate = await selfSignedCertificate();
    trustCertificateAuthority(certificate.certFile);
    azurite = await startAzurite(certificate);
    const { connectionString } = azurite;
    await createBlobContainer(connectionString, CONTAINER);
    hub = await startTestIotHub({
      inMemory: false,
      dataDirectory: join(directory, 'hub'),
      storage: { connectionString, containerName: CONTAINER },
    });
    trustCertificateAuthority(hub.emulator.tls.caFile);
  }, 60_000);

  afterEach(async () => {
    await agent?.close();
    agent = undefined;
  });

  afterAll(async () => {
    await hub.close();
    await azurite.close();
    certificate.remove();
    await rm(directory, { recursive: true });
  });

  const startAgent = async (deviceId: string, settings: Record<string, string> = {}): Promise<void> => {
    const { connectionString } = await hub.addDevice(deviceId);
    agent = await startDeviceAgent(
      loadDeviceAgentSettings({ IOT_HUB_DEVICE_CONNECTION_STRING: connectionString, ...settings }),
      pino({ level: 'silent' }),
    );
    await agent.connected();
  };

  const sent = (deviceId: string, kind: string): StoredMessage[] =>
    storedMessages(join(directory, 'hub'), deviceId).filter(({ properties }) => properties.kind === kind);

  /** The body, once the contract has been found to hold to the letter. */
  const bodyOf = <Body extends object>(message: StoredMessage | undefined, type: PayloadClass<Body>): Body => {
    const body = JSON.parse(message?.body ?? 'null') as Body;
    const problems = validateSync(plainToInstance(type, body), { whitelist: true, forbidNonWhitelisted: true });
    expect(problems).toEqual([]);
    return body;
  };

  it('is telemetry that the hub can route, as the contract says', async () => {
    await startAgent('sender');
    const [message] = await until(() => {
      const messages = sent('sender', telemetry.kind);
      return messages.length > 0 && messages;
    }, 'telemetry arrives');
    const { measured_at, frames_captured } = bodyOf(message, telemetry.body);
    expect(Math.abs(Date.now() - Date.parse(measured_at))).toBeLessThan(60_000);
    expect(frames_captured).toBe(0);
    expect(message?.systemProperties).toEqual({
      messageId: expect.stringMatching(UUID),
      contentType: 'application/json',
      contentEncoding: 'utf-8',
      creationTimeUtc: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect(message?.properties).toEqual({ kind: 'telemetry' });
  });

  it('comes as often as the cloud wishes, and a wrong wish is refused with the reason', async () => {
    await startAgent('paced');
    const acknowledged = (expected: Partial<Acknowledgement>): Promise<Acknowledgement> =>
      until(
        async () => {
          const { responseBody } = await hub.registry.getTwin('paced');
          const { reported } = responseBody.properties as {
            reported: { telemetry_interval_seconds?: Acknowledgement };
          };
          const answer = reported.telemetry_interval_seconds;
          return answer !== undefined && answer.ac === expected.ac && answer.value === expected.value
            ? answer
            : undefined;
        },
        `the twin says ${JSON.stringify(expected)}`,
      );
    const wish = async (telemetry_interval_seconds: unknown): Promise<number> => {
      const desired = { telemetry_interval_seconds };
      const { responseBody } = await hub.registry.updateTwin('paced', { properties: { desired } }, '*');
      return responseBody.properties.desired.$version as number;
    };

    expect(await acknowledged({ ac: 203, value: 60 })).not.toHaveProperty('ad');
    const version = await wish(1);
    expect(await acknowledged({ ac: 200, value: 1 })).toMatchObject({ av: version });
    const messages = await until(() => {
      const all = sent('paced', telemetry.kind);
      return all.length >= 4 && all;
    }, 'four messages have come');
    const ids = messages.map(({ systemProperties }) => systemProperties.messageId);
    expect(new Set(ids).size).toBe(ids.length);

    const refused = await wish('often');
    expect(await acknowledged({ ac: 400, value: 1 })).toMatchObject({
      av: refused,
      ad: 'telemetry_interval_seconds must be a whole number from 1 to 86400.',
    });
    await wish(null);
    expect(await acknowledged({ ac: 203, value: 60 })).not.toHaveProperty('ad');
  }, 60_000);

  it('is an event for each picture that was stored, and none for one that was not', async () => {
    await startAgent('seer', { CAMERA_0: 'testsrc=size=320x240:rate=25', AGENT_DATA_DIR: join(directory, 'seer') });
    const invoke = async (methodName: string, payload: object): Promise<object> =>
      (await hub.service.invokeDeviceMethod('seer', { methodName, payload })).result as object;
    const camera = (await invoke(captureImageFromCamera.name, {
      index: 0,
      blob_name: 'a b.jpg',
      correlation_id: 'walk-1',
    })) as { payload: object };
    await invoke(captureImageFromCamera.name, { index: 9, blob_name: 'none.jpg' });
    const file = (await invoke(captureImageFromFile.name, { filename: PICTURE, blob_name: 'p.png' })) as {
      payload: object;
    };
    const events = await until(() => {
      const all = sent('seer', captureEvent.kind);
      return all.length >= 2 && all;
    }, 'both events arrive');
    expect(events.map((message) => bodyOf(message, captureEvent.body))).toEqual([
      {
        ...camera.payload,
        blob_name: 'seer/a b.jpg',
        captured_at: expect.any(String),
        source: 'camera',
        camera_index: 0,
        correlation_id: 'walk-1',
      },
      { ...file.payload, blob_name: 'seer/p.png', captured_at: expect.any(String), source: 'file', filename: PICTURE },
    ]);
    expect(events[0]?.systemProperties).toMatchObject({ contentType: 'application/json', contentEncoding: 'utf-8' });

    await hub.registry.updateTwin('seer', { properties: { desired: { telemetry_interval_seconds: 1 } } }, '*');
    await until(
      () => sent('seer', telemetry.kind).some((message) => bodyOf(message, telemetry.body).frames_captured === 2),
      'telemetry counts both',
    );
  }, 60_000);

  it('is first what has waited on disk since before: once each, in order, under the same ids', async () => {
    const dataDirectory = join(directory, 'waiting');
    const outbox = new Outbox({ file: join(dataDirectory, 'outbox.db'), maxBytes: 1_000_000 });
    const ids = Array.from({ length: 300 }, (_, index) => `waited-${index}`);
    for (const messageId of ids) {
      outbox.add({ messageId, kind: 'capture', createdAt: '2026-11-23T06:00:00.000Z', body: '{}' });
    }
    outbox.close();
    await startAgent('waiting', { AGENT_DATA_DIR: dataDirectory });
    await until(
      () => sent('waiting', telemetry.kind).length > 0,
      'the telemetry of the start has come, after the rest',
    );
    const arrived = storedMessages(join(directory, 'hub'), 'waiting');
    expect(arrived.slice(0, 300).map(({ systemProperties }) => systemProperties.messageId)).toEqual(ids);
    expect(arrived.slice(300).every(({ properties }) => properties.kind === telemetry.kind)).toBe(true);
    const { responseBody } = await hub.registry.getTwin('waiting');
    expect(responseBody.properties.reported).toMatchObject({ messages_dropped: 0 });
    await agent?.close();
    agent = undefined;
    const emptied = new Outbox({ file: join(dataDirectory, 'outbox.db'), maxBytes: 1_000_000 });
    expect(emptied.oldest(1)).toEqual([]);
    emptied.close();
  }, 60_000);
});

describe('the outbox of the device agent', () => {
  const script = `
    const { Outbox } = require('./dist/apps/device-agent/src/outbox/outbox.js');
    const outbox = new Outbox({ file: process.argv[1], maxBytes: 100_000_000 });
    for (let count = 0; ; count += 1) {
      const messageId = process.argv[2] + '-' + count;
      outbox.add({ messageId, kind: 'telemetry', createdAt: '', body: '{}' });
      require('node:fs').writeSync(1, messageId + '\\n');
    }`;

  it('has every message that it took before it was killed', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'outbox-kill-'));
    const file = join(directory, 'outbox.db');
    const taken: string[] = [];
    try {
      for (let round = 0; round < 5; round += 1) {
        const writer = spawn(process.execPath, ['-e', script, file, `round${round}`], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const killAt = taken.length + 40 + round * 37;
        createInterface(writer.stdout).on('line', (line) => {
          taken.push(line);
          if (taken.length === killAt) writer.kill('SIGKILL');
        });
        expect(await once(writer, 'close')).toEqual([null, 'SIGKILL']);
      }
      const outbox = new Outbox({ file, maxBytes: 100_000_000 });
      const kept = outbox.oldest(1_000_000).map(({ messageId }) => messageId);
      outbox.close();
      // The last line of a round may have been cut off, so that what is kept may be one more.
      const acknowledged = new Set(taken);
      expect(kept.filter((id) => acknowledged.has(id))).toEqual(taken.filter((id) => /-\d+$/.test(id)));
      expect(kept.length - taken.length).toBeLessThanOrEqual(5);
    } finally {
      await rm(directory, { recursive: true });
    }
  }, 60_000);
});
