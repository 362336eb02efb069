import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SharedAccessSignature } from 'azure-iot-common';
import { connect, type MqttClient } from 'mqtt';
import { ensureEmulatorBuilt, type EmulatorProcess, startEmulatorProcess } from '../support/emulator-process.js';
import { storedMessages } from '../support/stored-messages.js';

const ROUNDS = 10;
const DEVICES = ['camera', 'door', 'engine'];
/** Messages a device has on the way at once. */
const WINDOW = 32;
const READY_LIMIT_MS = 5_000;
const SEED = Number(process.env.KILL_SEED ?? Date.now() % 1_000_000);

/** A device that sends the numbers 1, 2, 3, …, again from the first one that was not acknowledged after each loss. */
class CountingDevice {
  acknowledged = 0;
  private sent = 0;
  private client: MqttClient | undefined;

  constructor(
    readonly deviceId: string,
    private readonly bodyBytes: number,
  ) {}

  /** Sends until the connection is lost. */
  async sendUntilLost(emulator: EmulatorProcess, onAcknowledged: () => void): Promise<void> {
    const client = connectDevice(emulator, this.deviceId);
    this.client = client;
    this.sent = this.acknowledged;
    const lost = new Promise<void>((resolve) => client.once('close', resolve));
    client.on('error', () => undefined);
    client.once('connect', () => {
      for (let i = 0; i < WINDOW; i += 1) this.send(client, onAcknowledged);
    });
    await lost;
    await client.endAsync(true);
  }

  private send(client: MqttClient, onAcknowledged: () => void): void {
    if (client !== this.client || client.disconnecting || !client.connected) return;
    this.sent += 1;
    const number = this.sent;
    client.publish(
      `devices/${this.deviceId}/messages/events/`,
      String(number).padEnd(this.bodyBytes),
      { qos: 1 },
      (error) => {
        // Only a PUBACK counts; the library also calls back when the connection is gone.
        if (error || client !== this.client || number !== this.acknowledged + 1) return;
        this.acknowledged = number;
        onAcknowledged();
        this.send(client, onAcknowledged);
      },
    );
  }
}

function connectDevice({ ready }: EmulatorProcess, deviceId: string): MqttClient {
  const key = ready.devices
    .find((device) => device.deviceId === deviceId)
    ?.connectionString.split('SharedAccessKey=')[1];
  const inAnHour = Math.floor(Date.now() / 1000) + 3600;
  const resource = encodeURIComponent(`${ready.hostName}/devices/${deviceId}`);
  return connect({
    protocol: 'mqtts',
    host: 'localhost',
    port: ready.port,
    ca: readFileSync(ready.caFile),
    protocolVersion: 4,
    clean: false,
    reconnectPeriod: 0,
    clientId: deviceId,
    username: `${ready.hostName}/${deviceId}/?api-version=2021-04-12`,
    password: SharedAccessSignature.create(resource, '', key ?? '', inAnHour)
      .toString()
      .replace(/&skn=$/, ''),
  });
}

/** Mulberry32: numbers from 0 up to 1 that a seed repeats. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('kill -9 of the emulator while devices send', () => {
  let dataDirectory: string;
  let emulator: EmulatorProcess | undefined;

  beforeAll(async () => {
    await ensureEmulatorBuilt();
    dataDirectory = await mkdtemp(join(tmpdir(), 'iot-hub-kill-'));
  }, 120_000);
  afterAll(async () => {
    emulator?.kill('SIGKILL');
    await emulator?.exited;
    await rm(dataDirectory, { recursive: true, force: true });
  });

  it(`loses nothing acknowledged and no device's order in ${ROUNDS} rounds (KILL_SEED=${SEED})`, async () => {
    const random = randomNumbers(SEED);
    const seedFile = join(dataDirectory, 'seed.json');
    await writeFile(seedFile, JSON.stringify({ devices: DEVICES.map((deviceId) => ({ deviceId })) }));
    const devices = DEVICES.map((deviceId, index) => new CountingDevice(deviceId, [8, 200, 4000][index] ?? 8));

    for (let round = 1; round <= ROUNDS; round += 1) {
      const running = await startEmulatorProcess(['--data-dir', dataDirectory, '--seed', seedFile]);
      emulator = running;
      expect(running.readyAfterMs).toBeLessThan(READY_LIMIT_MS);

      let untilKill = 1 + Math.floor(random() ** 2 * 3000);
      const onAcknowledged = () => {
        untilKill -= 1;
        if (untilKill === 0) running.kill('SIGKILL');
      };
      await Promise.all(devices.map((device) => device.sendUntilLost(running, onAcknowledged)));
      await running.exited;
      for (const device of devices) expectKept(dataDirectory, device, `round ${round}, KILL_SEED=${SEED}`);
    }
    expect(devices.every(({ acknowledged }) => acknowledged > 0)).toBe(true);
  }, 120_000);
});

/**
 * Delivery is at least once: what was sent again may be there twice. But of each number the first copy comes after the
 * first copy of the number before, and no acknowledged number is missing.
 */
function expectKept(dataDirectory: string, { deviceId, acknowledged }: CountingDevice, where: string): void {
  let highest = 0;
  for (const { body } of storedMessages(dataDirectory, deviceId)) {
    const number = Number(body);
    if (number > highest + 1) throw new Error(`${deviceId}: ${number} is stored right after ${highest} (${where}).`);
    highest = Math.max(highest, number);
  }
  if (highest < acknowledged) {
    throw new Error(`${deviceId}: ${acknowledged} was acknowledged, but storage ends at ${highest} (${where}).`);
  }
}
