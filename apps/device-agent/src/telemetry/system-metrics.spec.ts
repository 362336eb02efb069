import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { Telemetry } from '#libs/contracts';
import { SystemMetrics } from './system-metrics.js';

describe(SystemMetrics.name, () => {
  let sensors: string;

  beforeEach(async () => {
    sensors = await mkdtemp(join(tmpdir(), 'sensors-'));
  });
  afterEach(() => rm(sensors, { recursive: true }));

  const addSensor = async (zone: string, text: string): Promise<void> => {
    await mkdir(join(sensors, zone));
    await writeFile(join(sensors, zone, 'temp'), text);
  };

  it('measures this machine as the contract wants it', async () => {
    const measured = await new SystemMetrics().read();
    const body = { ...measured, measured_at: new Date().toISOString(), frames_captured: 0 };
    expect(validateSync(plainToInstance(Telemetry, body), { whitelist: true, forbidNonWhitelisted: true })).toEqual([]);
    expect(measured.memory_used_bytes).toBeLessThan(measured.memory_total_bytes);
    expect(measured.disk_used_bytes).toBeLessThanOrEqual(measured.disk_total_bytes);
    expect(measured.uptime_seconds).toBeGreaterThan(0);
  });

  it('tells how busy all processors were since the call before', async () => {
    const readings = [
      [{ user: 900, idle: 100 }],
      [
        { user: 950, sys: 25, idle: 125 },
        { user: 100, idle: 200 },
      ],
      [{ user: 900, idle: 0 }],
    ];
    const metrics = new SystemMetrics(sensors, () => (readings.shift() ?? []).map((times) => ({ times })));
    expect((await metrics.read()).cpu_percent).toBe(90);
    expect((await metrics.read()).cpu_percent).toBe(43.8);
    expect((await metrics.read()).cpu_percent).toBe(0);
  });

  it('gives the temperature of the hottest sensor that makes sense', async () => {
    await addSensor('thermal_zone0', '48312\n');
    await addSensor('thermal_zone1', '51987\n');
    await addSensor('thermal_zone2', '-274000\n');
    await addSensor('thermal_zone3', 'nonsense');
    await mkdir(join(sensors, 'thermal_zone4'));
    await addSensor('cooling_device0', '99000');
    expect((await new SystemMetrics(sensors).read()).temperature_celsius).toBe(52);
  });

  it.each([
    ['no sensor', ''],
    ['no folder of sensors', 'nothing'],
  ])('leaves the temperature out where there is %s', async (_what, folder) => {
    expect(await new SystemMetrics(join(sensors, folder)).read()).not.toHaveProperty('temperature_celsius');
  });
});
