import { readdir, readFile, statfs } from 'node:fs/promises';
import { cpus, freemem, totalmem, uptime } from 'node:os';
import { join } from 'node:path';
import type { Telemetry } from '#libs/contracts';

/** What can be measured of any machine. */
export type MachineMetrics = Omit<Telemetry, 'measured_at' | 'frames_captured'>;

/** Where Linux shows its temperature sensors. @see https://docs.kernel.org/driver-api/thermal/sysfs-api.html */
const THERMAL_DIRECTORY = '/sys/class/thermal';

/** Sensors that are not connected report values far outside of this. */
const PLAUSIBLE_CELSIUS = { min: -50, max: 150 };

/** Measures the machine that the agent runs on. */
export class SystemMetrics {
  private cpuBefore = { busyMs: 0, totalMs: 0 };

  constructor(
    private readonly thermalDirectory = THERMAL_DIRECTORY,
    private readonly readCpus: () => { times: Record<string, number> }[] = () =>
      cpus().map(({ times }) => ({ times: { ...times } })),
  ) {}

  /** The processors' part is an average since the call before. */
  async read(): Promise<MachineMetrics> {
    const [disk, temperature] = await Promise.all([statfs('.'), this.temperatureCelsius()]);
    return {
      cpu_percent: this.cpuPercent(),
      memory_used_bytes: totalmem() - freemem(),
      memory_total_bytes: totalmem(),
      disk_used_bytes: (disk.blocks - disk.bfree) * disk.bsize,
      disk_total_bytes: disk.blocks * disk.bsize,
      ...(temperature !== undefined && { temperature_celsius: temperature }),
      uptime_seconds: Math.round(uptime()),
    };
  }

  private cpuPercent(): number {
    let busyMs = 0;
    let totalMs = 0;
    for (const { times } of this.readCpus()) {
      const allMs = Object.values(times).reduce((sum, ms) => sum + ms, 0);
      totalMs += allMs;
      busyMs += allMs - (times.idle ?? 0);
    }
    const passedMs = totalMs - this.cpuBefore.totalMs;
    const share = passedMs > 0 ? (busyMs - this.cpuBefore.busyMs) / passedMs : 0;
    this.cpuBefore = { busyMs, totalMs };
    // The kernel's counters of idle time may step back a little.
    return Math.round(Math.min(1, Math.max(0, share)) * 1_000) / 10;
  }

  private async temperatureCelsius(): Promise<number | undefined> {
    const names = await readdir(this.thermalDirectory).catch(() => []);
    const zones = names.filter((name) => name.startsWith('thermal_zone'));
    const readings = await Promise.all(zones.map((zone) => celsius(join(this.thermalDirectory, zone, 'temp'))));
    const plausible = readings.filter((value) => value > PLAUSIBLE_CELSIUS.min && value < PLAUSIBLE_CELSIUS.max);
    return plausible.length > 0 ? Math.max(...plausible) : undefined;
  }
}

/** NaN for a sensor that cannot be read. */
async function celsius(file: string): Promise<number> {
  try {
    return Math.round(Number.parseInt(await readFile(file, 'utf8'), 10) / 100) / 10;
  } catch {
    return Number.NaN;
  }
}
