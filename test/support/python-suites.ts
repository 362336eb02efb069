import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SCRIPTS = join(process.cwd(), 'test/python');

/** The scripts that show the Python SDKs, with the transports they run over. */
export const PYTHON_SUITES = [
  { sdk: 'azure-iot-device', script: 'device_sdk.py', transports: ['MQTT', 'MQTT over WebSocket'] },
  { sdk: 'azure-iot-hub', script: 'service_sdk.py', transports: ['AMQP', 'AMQP over WebSocket'] },
  { sdk: 'azure-eventhub', script: 'events_sdk.py', transports: ['AMQP', 'AMQP over WebSocket'] },
] as const;

/** Where a script is. */
export const pythonScript = (script: string): string => join(SCRIPTS, script);

/** The operations that a script runs, in its order. */
export const pythonOperations = (script: string): string[] =>
  Array.from(readFileSync(pythonScript(script), 'utf8').matchAll(/^@operation\("(.+)"\)$/gm), ([, name]) => name ?? '');
