import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Waits until a condition gives something truthy, and returns that.
 *
 * @throws Error naming the condition when `limitMs` (default 10 s) have passed
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  limitMs = 10_000,
): Promise<Exclude<T, undefined | null | false | 0 | ''>> {
  const endMs = Date.now() + limitMs;
  for (;;) {
    const result = await condition();
    if (result) return result as Exclude<T, undefined | null | false | 0 | ''>;
    if (Date.now() > endMs) throw new Error(`Waited ${limitMs} ms in vain: ${what}`);
    await delay(POLL_MS);
  }
}
