import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A device-to-cloud message as the emulator keeps it. */
export interface StoredMessage {
  readonly body: string;
  readonly systemProperties: Record<string, string>;
  readonly properties: Record<string, string>;
}

/** A message of a device, or an event of the hub about one, with where it comes from and where it goes. */
export interface LoggedMessage extends StoredMessage {
  readonly source: string;
  readonly deviceId: string;
  /** Bit 0 is the built-in endpoint. */
  readonly endpoints: number;
}

/** What consecutive messages have in common, and of each its time, its endpoints and the length of its body. */
type Stretch = Omit<LoggedMessage, 'body' | 'endpoints'> & { readonly messages: readonly [number, number, number][] };

/** The bodies of all messages on disk, by device, oldest first. */
export function storedBodies(dataDirectory: string): Map<string, string[]> {
  const bodies = new Map<string, string[]>();
  for (const { deviceId, body } of storedLog(dataDirectory)) {
    const ofDevice = bodies.get(deviceId) ?? [];
    bodies.set(deviceId, ofDevice);
    ofDevice.push(body);
  }
  return bodies;
}

/** What is on disk of a device's messages, oldest first: read beside the emulator, from its data directory. */
export function storedMessages(dataDirectory: string, deviceId: string): StoredMessage[] {
  return storedLog(dataDirectory)
    .filter((message) => message.deviceId === deviceId)
    .map(({ body, systemProperties, properties }) => ({ body, systemProperties, properties }));
}

/** All that is on disk, in the order of the log. */
export function storedLog(dataDirectory: string): LoggedMessage[] {
  const database = new DatabaseSync(join(dataDirectory, 'iot-hub.db'), { readOnly: true });
  try {
    const runs = database.prepare('SELECT stretches, bodies FROM message_runs ORDER BY last_sequence').all();
    return runs.flatMap(({ stretches, bodies }) =>
      messagesOf(JSON.parse(stretches as string) as Stretch[], bodies as Uint8Array),
    );
  } finally {
    database.close();
  }
}

function messagesOf(stretches: readonly Stretch[], bodies: Uint8Array): LoggedMessage[] {
  let at = 0;
  return stretches.flatMap(({ source, deviceId, systemProperties, properties, messages }) =>
    messages.map(([, endpoints, bodyBytes]) => {
      const body = Buffer.from(bodies.subarray(at, at + bodyBytes)).toString();
      at += bodyBytes;
      return { source, deviceId, systemProperties, properties, endpoints, body };
    }),
  );
}
