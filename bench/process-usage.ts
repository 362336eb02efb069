import { readFileSync } from 'node:fs';

/** How often a watched process is looked at. */
const SAMPLE_MS = 25;

/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;

/** Processor time of a process so far, all its threads and the kernel's work for it included, in milliseconds. */
export function processorMs(pid: number): number {
  // The second field is the program's name in brackets, which may hold blanks; user and system time are the 14th and 15th.
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number);
  return (user + system) * TICK_MS;
}

/** Resident memory of a process in bytes, as Linux counts it. */
export function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** Runs `work` and gives the highest resident memory that process `pid` had meanwhile, in bytes. */
export async function peakMemory(pid: number, work: () => Promise<unknown>): Promise<number> {
  let peak = residentBytes(pid);
  const sampler = setInterval(() => {
    peak = Math.max(peak, residentBytes(pid));
  }, SAMPLE_MS);
  try {
    await work();
  } finally {
    clearInterval(sampler);
  }
  return Math.max(peak, residentBytes(pid));
}
