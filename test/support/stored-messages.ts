import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** A device-to-cloud message as the emulator keeps it. */
export interface StoredMessage {
  readonly body: string;
  readonly systemProperties: Record<string, string>;
  readonly properties: Record<string, string>;
}

/** The bodies of all messages on disk, by device, oldest first. */
export function storedBodies(dataDirectory: string): Map<string, string[]> {
  const database = new DatabaseSync(join(dataDirectory, 'iot-hub.db'), { readOnly: true });
  try {
    const bodies = new Map<string, string[]>();
    const all = database.prepare('SELECT device_id, body FROM messages ORDER BY sequence_number').iterate();
    for (const { device_id: deviceId, body } of all) {
      const ofDevice = bodies.get(deviceId as string) ?? [];
      bodies.set(deviceId as string, ofDevice);
      ofDevice.push(Buffer.from(body as Uint8Array).toString());
    }
    return bodies;
  } finally {
    database.close();
  }
}

/** What is on disk of a device's messages, oldest first: read beside the emulator, from its data directory. */
export function storedMessages(dataDirectory: string, deviceId: string): StoredMessage[] {
  const database = new DatabaseSync(join(dataDirectory, 'iot-hub.db'), { readOnly: true });
  try {
    const rows = database
      .prepare('SELECT body, system_properties, properties FROM messages WHERE device_id = ? ORDER BY sequence_number')
      .all(deviceId);
    return rows.map(({ body, system_properties: systemProperties, properties }) => ({
      body: Buffer.from(body as Uint8Array).toString(),
      systemProperties: JSON.parse(systemProperties as string) as Record<string, string>,
      properties: JSON.parse(properties as string) as Record<string, string>,
    }));
  } finally {
    database.close();
  }
}
