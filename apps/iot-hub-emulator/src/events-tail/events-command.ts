import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Command } from 'commander';
import { tailOptions } from '../iot-hub-emulator.config.js';
import { findRunningHub } from '../running-hub.js';
import { formatEvent } from './format-event.js';
import type { TailSettings } from './tail-options.js';
import type { TailedEvent } from './tailed-event.js';

const CLOSE_TIMEOUT_MS = 3000;

/** `events tail`: follows the built-in endpoint from a terminal. @param fail says what went wrong and ends with exit code 1. */
export function eventsCommand(fail: (cause: unknown) => void): Command {
  const events = new Command('events').description("what devices send, at the hub's built-in endpoint");
  const tail = events.command('tail').description('follow it until Ctrl-C');
  for (const option of tailOptions()) tail.addOption(option);
  tail.action(async (settings: TailSettings) => {
    try {
      await tailEvents(settings);
    } catch (cause) {
      fail(cause);
    }
  });
  return events;
}

/** Follows until a signal, or the end of who reads standard output. */
async function tailEvents(settings: TailSettings): Promise<void> {
  // The SDK takes a while to load, and the hub itself has no use for it.
  const { followEvents } = await import('./follow-events.js');
  const connectionString = settings.connectionString ?? (await localConnectionString(settings.dataDir));
  const { device, json, consumerGroup, fromBeginning } = settings;
  const format = json
    ? (event: TailedEvent) => `${JSON.stringify(event)}\n`
    : (event: TailedEvent) => formatEvent(event, { isTerminal: process.stdout.isTTY });
  const ended = endOfFollowing();
  const stop = await followEvents({
    connectionString,
    consumerGroup,
    fromBeginning,
    onEvent(event) {
      if (device === undefined || event.deviceId === device) process.stdout.write(format(event));
    },
    onEnd: ended.fail,
    onTrouble(message) {
      process.stderr.write(`${message}\n`);
    },
  });
  process.stderr.write(`Following ${entityOf(connectionString)}; Ctrl-C stops.\n`);
  try {
    const exitCode = await ended.exitCode;
    // What the SDK still waits for is not worth waiting for.
    setTimeout(() => process.exit(exitCode), CLOSE_TIMEOUT_MS).unref();
    await stop();
    process.exit(exitCode);
  } catch (cause) {
    setTimeout(() => process.exit(1), CLOSE_TIMEOUT_MS).unref();
    await stop();
    throw cause;
  }
}

/** 130 after SIGINT, 0 after SIGTERM or when nobody reads on. */
function endOfFollowing(): { exitCode: Promise<number>; fail: (reason: Error) => void } {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  process.once('SIGINT', () => {
    resolve(130);
  });
  process.once('SIGTERM', () => {
    resolve(0);
  });
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE') resolve(0);
    else reject(cause);
  });
  return { exitCode: promise, fail: reject };
}

async function localConnectionString(dataDirectory: string): Promise<string> {
  const { eventHubsConnectionString, caFile } = await findRunningHub(dataDirectory);
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(caFile, 'utf8')]);
  return eventHubsConnectionString;
}

const entityOf = (connectionString: string): string =>
  `${/Endpoint=sb:\/\/([^/;]*)/i.exec(connectionString)?.[1] ?? ''}/${/EntityPath=([^;]*)/i.exec(connectionString)?.[1] ?? ''}`;
