import { type MqttConnection, openMqtt, type Target, targetOptions } from './connection.js';
import { deviceCredentials, deviceName } from './devices.js';
import { finish, loadOrder, measure, type Usage } from './load-process.js';
import { PUBACK, PUBACK_BYTES, publishPacket } from './mqtt-bytes.js';

export interface PublishOrder extends Target {
  readonly hostName: string;
  readonly serverPid: number;
  readonly connections: number;
  /** Messages of each connection that wait for their acknowledgement. */
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  /** Whether to time each message; for few of them in flight. */
  readonly latencies?: boolean;
  /** Whether a property differs from message to message; otherwise a device always sends the same ones. */
  readonly varying?: boolean;
}

export interface PublishResult {
  readonly perSecond: number;
  /** Milliseconds from PUBLISH to PUBACK. */
  readonly latenciesMs: readonly number[];
  readonly usage: Usage;
}

const BODY_BYTES = 256;
/** One connection sends a message warm enough for the route of alarms once a window. */
const ALARM_CONNECTION = 0;

let acknowledged = 0;
let latenciesMs: number[] = [];

/** Devices that keep a window of messages of QoS 1 full: every acknowledgement lets the next message out. */
async function main(): Promise<void> {
  const order = loadOrder() as PublishOrder;
  const options = targetOptions(order);
  const open = Array.from({ length: order.connections }, async (_, index) => {
    const deviceId = deviceName(index);
    return startPublishing(await openMqtt(options, deviceCredentials(order.hostName, deviceId)), index, order);
  });
  for (const start of await Promise.all(open)) start();
  const { seconds, usage } = await measure(order, () => {
    acknowledged = 0;
    latenciesMs = [];
  });
  const rounded = latenciesMs.map((ms) => Math.round(ms * 1_000) / 1_000);
  finish({ perSecond: acknowledged / seconds, latenciesMs: rounded, usage } satisfies PublishResult);
}

/** @returns what sends the first window. */
function startPublishing(connection: MqttConnection, index: number, order: PublishOrder): () => void {
  const { socket } = connection;
  const { inFlight } = order;
  // Ids go round within the window, so the next messages are always one piece of the window written twice.
  const messages = Array.from({ length: inFlight }, (_, slot) =>
    publishPacket(
      `devices/${deviceName(index)}/messages/events/%24.ct=application%2Fjson&%24.ce=utf-8&level=info${order.varying === true ? `&number=${String(slot).padStart(2, '0')}` : ''}`,
      body(index === ALARM_CONNECTION && slot === 0 ? 95.5 : 21.5),
      slot + 1,
    ),
  );
  const size = messages[0]?.length ?? 0;
  const ring = Buffer.concat([...messages, ...messages]);
  let next = 0;
  let sentMs = 0;
  let partBytes = 0;
  const send = (count: number) => {
    sentMs = performance.now();
    socket.write(ring.subarray(next * size, (next + count) * size));
    next = (next + count) % inFlight;
  };
  connection.takeChunks((chunk) => {
    if (partBytes === 0 && chunk[0] !== PUBACK) throw new Error(`no PUBACK but ${chunk.toString('hex', 0, 8)}`);
    const count = Math.floor((partBytes + chunk.length) / PUBACK_BYTES);
    partBytes = (partBytes + chunk.length) % PUBACK_BYTES;
    if (count === 0) return;
    acknowledged += count;
    if (order.latencies) latenciesMs.push(performance.now() - sentMs);
    send(count);
  });
  socket.on('close', () => {
    throw new Error('the server closed the connection');
  });
  return () => {
    send(inFlight);
  };
}

function body(temperature: number): Buffer {
  const reading = { temperature: temperature.toFixed(1), humidity: 48.2, at: '2030-01-01T12:00:00.000Z', filling: '' };
  const text = JSON.stringify(reading).replace(/"(\d+\.\d)"/, '$1');
  return Buffer.from(text.replace('"filling":"', `"filling":"${'x'.repeat(BODY_BYTES - text.length)}`));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
