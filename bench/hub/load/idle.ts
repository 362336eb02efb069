import { type MqttConnection, openMqtt, type Target, targetOptions } from './connection.js';
import { deviceCredentials, deviceName } from './devices.js';
import { finish, loadOrder } from './load-process.js';
import { PINGREQ_BYTES, PINGRESP } from './mqtt-bytes.js';

export interface IdleOrder extends Target {
  readonly hostName: string;
  readonly devices: number;
}

export interface IdleResult {
  /** Devices that could not connect, or did not answer a ping at the end. */
  readonly failures: number;
  readonly connectsPerSecond: number;
}

/** Devices that connect at the same time. */
const CONNECTING = 32;
const PING_TIMEOUT_MS = 30_000;

/** What the Node SDK subscribes to when an application uses methods, twin and messages. */
const topicsOf = (deviceId: string) => [
  '$iothub/methods/POST/#',
  '$iothub/twin/res/#',
  '$iothub/twin/PATCH/properties/desired/#',
  `devices/${deviceId}/messages/devicebound/#`,
];

/** Connects devices, says so on standard output, waits for a signal, and asks each whether it is still there. */
async function main(): Promise<void> {
  const order = loadOrder() as IdleOrder;
  const options = targetOptions(order);
  const connections: MqttConnection[] = [];
  let next = 0;
  let failures = 0;
  const startedMs = performance.now();
  const connectSome = async () => {
    while (next < order.devices) {
      const deviceId = deviceName(next++);
      try {
        connections.push(await openMqtt(options, deviceCredentials(order.hostName, deviceId), topicsOf(deviceId)));
      } catch (error) {
        failures += 1;
        console.error(error);
      }
    }
  };
  await Promise.all(Array.from({ length: CONNECTING }, connectSome));
  const connectsPerSecond = connections.length / ((performance.now() - startedMs) / 1_000);
  process.once('SIGUSR2', () => {
    void Promise.all(connections.map(isAlive)).then((alive) => {
      failures += alive.filter((answered) => !answered).length;
      finish({ failures, connectsPerSecond } satisfies IdleResult);
    });
  });
  console.log(JSON.stringify({ ready: 'connected' }));
}

function isAlive(connection: MqttConnection): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      resolve(false);
    }, PING_TIMEOUT_MS);
    connection.onPacket = (type) => {
      clearTimeout(timer);
      resolve(type === PINGRESP);
    };
    connection.socket.write(PINGREQ_BYTES);
  });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
