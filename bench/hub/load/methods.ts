import { type MqttConnection, openMqtt, type Target, targetOptions } from './connection.js';
import { deviceCredentials, deviceName, sharedAccessSignature } from './devices.js';
import { type HttpsCaller, httpRequest, openCaller } from './https-caller.js';
import { finish, loadOrder, measure, type Usage } from './load-process.js';
import { PUBLISH, publishPacket, readPublish } from './mqtt-bytes.js';

export interface MethodsOrder extends Target {
  readonly hostName: string;
  readonly serverPid: number;
  /** Of policy `iothubowner`. */
  readonly ownerKey: string;
  readonly devices: number;
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface MethodsResult {
  readonly perSecond: number;
  readonly latenciesMs: readonly number[];
  /** Calls of the whole run. */
  readonly calls: number;
  /** Calls that got an error or no answer at all. */
  readonly lost: number;
  /** Calls that got the answer to another call. */
  readonly crossed: number;
  readonly usage: Usage;
}

const DIGITS = 10;

let calls = 0;
let crossed = 0;
let lost = 0;
let measuredCalls = 0;
let latenciesMs: number[] = [];
let stopped = false;

/** Calls methods over HTTPS and answers them over MQTT; each call has a number that its answer must have too. */
async function main(): Promise<void> {
  const order = loadOrder() as MethodsOrder;
  const options = targetOptions(order);
  for (let index = 0; index < order.devices; index++) {
    const credentials = deviceCredentials(order.hostName, deviceName(index));
    answerMethods(await openMqtt(options, credentials, ['$iothub/methods/POST/#']));
  }
  const callers = await Promise.all(Array.from({ length: order.inFlight }, () => openCaller(options)));
  const running = callers.map((caller, index) => keepCalling(caller, index, order));
  const { seconds, usage } = await measure(order, () => {
    measuredCalls = 0;
    latenciesMs = [];
  });
  const perSecond = measuredCalls / seconds;
  stopped = true;
  // Every call is waited for: one without an answer comes back as an error after its own time.
  await Promise.all(running);
  const rounded = latenciesMs.map((ms) => Math.round(ms * 1_000) / 1_000);
  finish({ perSecond, latenciesMs: rounded, calls, lost, crossed, usage } satisfies MethodsResult);
}

/** Answers with the payload that came. */
function answerMethods(device: MqttConnection): void {
  device.onPacket = (type, body) => {
    if (type !== PUBLISH) return;
    const { topic, payload } = readPublish(body);
    const requestId = topic.slice(topic.indexOf('$rid=') + '$rid='.length);
    device.socket.write(publishPacket(`$iothub/methods/res/200/?$rid=${requestId}`, payload));
  };
}

async function keepCalling(caller: HttpsCaller, index: number, order: MethodsOrder): Promise<void> {
  const path = `/twins/${deviceName(index % order.devices)}/methods?api-version=2021-04-12`;
  const token = sharedAccessSignature('localhost', order.ownerKey, 'iothubowner');
  const blank = '0'.repeat(DIGITS);
  const parameters = { methodName: 'echo', responseTimeoutInSeconds: 30, payload: { number: blank } };
  const request = httpRequest(`POST ${path}`, token, JSON.stringify(parameters));
  const numberAt = request.indexOf(`"${blank}"`) + 1;
  while (!stopped) {
    const number = String(++calls).padStart(DIGITS, '0');
    request.write(number, numberAt, 'latin1');
    const startedMs = performance.now();
    try {
      const body = await caller.call(request);
      latenciesMs.push(performance.now() - startedMs);
      measuredCalls += 1;
      if (!body.includes(`"number":"${number}"`)) crossed += 1;
    } catch (error) {
      console.error(error);
      lost += 1;
      return;
    }
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
