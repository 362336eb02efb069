import { generate, type Packet } from 'mqtt-packet';
import { openTls } from '../../support/raw-mqtt.js';
import { amqpOver } from '../support/amqp-client.js';
import type { TortureHub } from '../support/torture-hub.js';

/** A protocol as it is spoken: what comes first on a connection, and what may come then. */
export interface SpokenProtocol {
  readonly name: string;
  /** What is said whole and right, up to some place, so that what follows is listened to. */
  readonly opening: readonly Buffer[];
  readonly frames: readonly Buffer[];
  /** Gives a spoilt frame the length that it says, so that it is looked into. */
  readonly repair?: (frame: Buffer) => Buffer;
}

const publish = (topic: string, payload: string, qos: 0 | 1 | 2 = 1): Packet => ({
  ...{ cmd: 'publish', topic, payload, qos, dup: false, retain: false },
  ...(qos > 0 && { messageId: 7 }),
});

const PACKETS = (deviceId: string): Packet[] => [
  publish(`devices/${deviceId}/messages/events/%24.mid=1&level=3`, '{"level":3}'),
  publish(`devices/${deviceId}/messages/events/`, 'x'.repeat(300), 0),
  publish(`devices/${deviceId}/messages/events/`, 'twice', 2),
  publish('$iothub/twin/GET/?$rid=1', '', 0),
  publish('$iothub/twin/PATCH/properties/reported/?$rid=2', '{"a":{"b":[1,2,{"c":null}]}}', 0),
  publish('$iothub/methods/res/200/?$rid=3', '{"ok":true}', 0),
  {
    cmd: 'subscribe',
    messageId: 9,
    subscriptions: [
      { topic: '$iothub/methods/POST/#', qos: 0 },
      { topic: `devices/${deviceId}/messages/devicebound/#`, qos: 1 },
    ],
  },
  { cmd: 'unsubscribe', messageId: 10, unsubscriptions: ['$iothub/methods/POST/#'] },
  { cmd: 'puback', messageId: 7 },
  { cmd: 'pubrec', messageId: 7 },
  { cmd: 'pubrel', messageId: 7 },
  { cmd: 'pubcomp', messageId: 7 },
  { cmd: 'pingreq' },
  { cmd: 'disconnect' },
  { cmd: 'connack', returnCode: 0, sessionPresent: false },
];

const mqttConnect = (hub: TortureHub, deviceId: string): Buffer =>
  generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    ...hub.connectPacket(deviceId),
    will: { topic: `devices/${deviceId}/messages/events/`, payload: Buffer.from('gone'), qos: 1, retain: false },
  });

export function mqtt(hub: TortureHub, deviceId: string): SpokenProtocol {
  const connect = mqttConnect(hub, deviceId);
  return {
    name: 'MQTT',
    opening: [connect],
    frames: [connect, ...PACKETS(deviceId).map((packet) => generate(packet))],
  };
}

/** Frames of WebSocket, as a client masks them. @see https://datatracker.ietf.org/doc/html/rfc6455#section-5.2 */
function webSocketFrame(opcode: number, payload: Buffer, { final = true } = {}): Buffer {
  const mask = Buffer.from([1, 2, 3, 4]);
  const masked = Buffer.from(payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
  const length =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 0xff];
  return Buffer.concat([Buffer.from([(final ? 0x80 : 0) | opcode, ...length]), mask, masked]);
}

export function webSocket(hub: TortureHub, deviceId: string): SpokenProtocol {
  const upgrade = Buffer.from(
    [
      'GET /$iothub/websocket HTTP/1.1',
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Protocol: mqtt',
      '',
      '',
    ].join('\r\n'),
  );
  const connect = webSocketFrame(2, mqttConnect(hub, deviceId));
  const [some = Buffer.alloc(0)] = PACKETS(deviceId).map((packet) => generate(packet));
  return {
    name: 'WebSocket',
    opening: [upgrade, connect],
    frames: [
      upgrade,
      connect,
      ...PACKETS(deviceId).map((packet) => webSocketFrame(2, generate(packet))),
      webSocketFrame(2, some.subarray(0, 5), { final: false }),
      webSocketFrame(0, some.subarray(5)),
      webSocketFrame(1, Buffer.from('text')),
      webSocketFrame(8, Buffer.from([0x03, 0xe8])),
      webSocketFrame(9, Buffer.from('ping')),
      webSocketFrame(10, Buffer.from('pong')),
    ],
  };
}

function request(method: string, path: string, authorization: string, body = '', more: readonly string[] = []): Buffer {
  return Buffer.from(
    [
      `${method} ${path}?api-version=2021-04-12 HTTP/1.1`,
      'Host: localhost',
      `Authorization: ${authorization}`,
      ...(more.length > 0 ? more : [`Content-Length: ${Buffer.byteLength(body)}`]),
      '',
      body,
    ].join('\r\n'),
  );
}

export function https(hub: TortureHub, deviceId: string): SpokenProtocol {
  const device = hub.deviceToken(deviceId);
  const owner = hub.ownerToken();
  const events = `/devices/${deviceId}/messages/events`;
  const batch = JSON.stringify([{ body: 'aGVsbG8=', properties: { 'iothub-app-a': 'b' } }]);
  const chunked = ['Transfer-Encoding: chunked'];
  return {
    name: 'HTTPS',
    opening: [],
    frames: [
      request('POST', events, device, '{"level":3}'),
      request('POST', events, device, '5\r\nhello\r\n0\r\n\r\n', chunked),
      request('POST', events, device, batch, [
        'Content-Type: application/vnd.microsoft.iothub.json',
        `Content-Length: ${batch.length}`,
      ]),
      request('GET', `/devices/${deviceId}/messages/devicebound`, device),
      request('POST', `/devices/${deviceId}/files`, device, '{"blobName":"a"}'),
      request('GET', `/devices/${deviceId}`, owner),
      request('GET', '/devices', owner),
      request('POST', '/devices', owner, JSON.stringify([{ id: 'bulk', importMode: 'create' }])),
      request('PATCH', `/twins/${deviceId}`, owner, '{"tags":{"a":1},"properties":{"desired":{"b":[1]}}}'),
      request('POST', '/devices/query', owner, JSON.stringify({ query: "SELECT * FROM devices WHERE tags.a = 'b'" })),
      request(
        'POST',
        `/twins/${deviceId}/methods`,
        owner,
        '{"methodName":"m","payload":{},"responseTimeoutInSeconds":5}',
      ),
    ],
  };
}

/** What a client says over AMQP when all goes well, frame by frame. */
export async function amqp(hub: TortureHub, deviceId: string): Promise<SpokenProtocol> {
  const sent: Buffer[] = [];
  const client = amqpOver(await openTls(hub.address), { username: 'anonymous' }, (chunk) => sent.push(chunk));
  const { status } = await client.putToken(hub.ownerToken());
  if (status !== 200) throw new Error(`The token was answered with ${String(status)}.`);
  const sender = await client.sender('/messages/devicebound');
  const message = {
    to: `/devices/${deviceId}/messages/devicebound`,
    message_id: 'm',
    application_properties: { a: 1 },
  };
  await client.send(sender, { ...message, body: Buffer.from('hello') as never });
  await client.receiver('/messages/serviceBound/feedback');
  client.connection.close();
  await client.closed();
  const frames = splitAmqp(Buffer.concat(sent));
  const repair = (frame: Buffer) => {
    if (frame.length >= 8) frame.writeUInt32BE(frame.length);
    return frame;
  };
  return { name: 'AMQP', opening: frames, frames, repair };
}

/** Protocol headers are 8 bytes; each frame begins with its size. */
function splitAmqp(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes.toString('latin1', at, at + 4) === 'AMQP' ? 8 : bytes.readUInt32BE(at);
    frames.push(bytes.subarray(at, at + size));
    at += size;
  }
  return frames;
}
