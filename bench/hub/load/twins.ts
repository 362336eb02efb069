import { type MqttConnection, openMqtt, type Target, targetOptions } from './connection.js';
import { deviceCredentials, deviceName } from './devices.js';
import { finish, loadOrder, measure, type Usage } from './load-process.js';
import { PUBLISH, publishPacket } from './mqtt-bytes.js';

export interface TwinsOrder extends Target {
  readonly hostName: string;
  readonly serverPid: number;
  readonly operation: 'read' | 'report';
  readonly devices: number;
  /** Requests of each device that wait for their answer. */
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface TwinsResult {
  readonly perSecond: number;
  readonly usage: Usage;
}

const PATCH = { status: { cpu: 12.5, disk: 'ok' }, firmware: '1.2.3', uptime: 123_456 };

let answered = 0;

/** Devices that read their twins, or report properties, a few requests at a time. */
async function main(): Promise<void> {
  const order = loadOrder() as TwinsOrder;
  const options = targetOptions(order);
  const devices = Array.from({ length: order.devices }, async (_, index) => {
    const credentials = deviceCredentials(order.hostName, deviceName(index));
    return openMqtt(options, credentials, ['$iothub/twin/res/#']);
  });
  for (const device of await Promise.all(devices)) keepAsking(device, order);
  const { seconds, usage } = await measure(order, () => {
    answered = 0;
  });
  finish({ perSecond: answered / seconds, usage } satisfies TwinsResult);
}

function keepAsking(device: MqttConnection, { operation, inFlight }: TwinsOrder): void {
  const success = operation === 'read' ? '$iothub/twin/res/200/' : '$iothub/twin/res/204/';
  const topic = operation === 'read' ? '$iothub/twin/GET/' : '$iothub/twin/PATCH/properties/reported/';
  let number = 0;
  const ask = () => {
    number += 1;
    const payload = operation === 'read' ? '' : JSON.stringify({ ...PATCH, uptime: number });
    device.socket.write(publishPacket(`${topic}?$rid=${number}`, Buffer.from(payload)));
  };
  device.onPacket = (type, body) => {
    if (type !== PUBLISH) return;
    if (!body.includes(success)) throw new Error(`an answer without success: ${body.toString()}`);
    answered += 1;
    ask();
  };
  for (let count = 0; count < inFlight; count++) ask();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
