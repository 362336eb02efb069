import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { generate } from 'mqtt-packet';
import { openTls } from '../support/raw-mqtt.js';
import { TortureHub } from './support/torture-hub.js';
import { figure, FULL, percentile, sized } from './support/torture-run.js';
import { Witness } from './support/witness.js';

const DEVICE = 'slow';
const CLIENTS = sized(100, 5);
const LIMIT_MS = sized(5 * 60_000, 60_000);
const CLOSED_LIMIT_MS = 30_000;
const DRIP_MS = 500;

/** A client that keeps a connection busy by saying next to nothing. */
interface SlowClient {
  readonly what: string;
  /** What it says, a byte now and then, and never comes to an end. */
  readonly drip: Buffer;
  /** @param from the address that it comes from. */
  readonly open: (hub: TortureHub, from: string) => Promise<Duplex>;
  /** What it says at once before. */
  readonly beginning?: Buffer;
  /** Whether it is given more time than a short run has. */
  readonly long?: boolean;
}

async function openTcp({ address }: TortureHub, from: string): Promise<Duplex> {
  const socket = connectTcp({ host: '127.0.0.1', localAddress: from, port: address.port });
  await once(socket, 'connect');
  return socket.on('error', () => undefined);
}

const tls = ({ address }: TortureHub, from: string) => openTls(address, from);

const post = (hub: TortureHub, headers: string) =>
  Buffer.from(
    [
      `POST /devices/${DEVICE}/messages/events?api-version=2021-04-12 HTTP/1.1`,
      'Host: localhost',
      `Authorization: ${hub.deviceToken(DEVICE)}`,
      headers,
    ].join('\r\n'),
  );

const slowClients = (hub: TortureHub): readonly SlowClient[] => [
  { what: 'that never begins its TLS hello', drip: Buffer.alloc(0), open: openTcp },
  { what: 'that drips its TLS hello', drip: Buffer.from('160301020001', 'hex'), open: openTcp },
  { what: 'that says nothing after the TLS handshake', drip: Buffer.alloc(0), open: tls },
  {
    what: 'that drips its MQTT CONNECT',
    drip: generate({
      ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60 },
      ...hub.connectPacket(DEVICE),
    }),
    open: tls,
  },
  { what: 'that drips HTTP headers', drip: post(hub, `X-Long: ${'x'.repeat(1000)}`), open: tls },
  {
    what: 'that drips an HTTP body',
    long: true,
    beginning: post(hub, 'Content-Length: 1000\r\n\r\n'),
    drip: Buffer.alloc(1000, 'x'),
    open: tls,
  },
  {
    what: 'that drips chunks of an HTTP body',
    long: true,
    beginning: post(hub, 'Transfer-Encoding: chunked\r\n\r\n'),
    drip: Buffer.from('1\r\nx\r\n'.repeat(200)),
    open: tls,
  },
  {
    what: 'that says nothing in its WebSocket',
    beginning: Buffer.from(
      'GET /$iothub/websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n',
    ),
    drip: Buffer.alloc(0),
    open: tls,
  },
  { what: 'that drips its AMQP header', drip: Buffer.from('AMQP\x03\x01\x00\x00', 'latin1'), open: tls },
  {
    what: 'that drips its SASL frames',
    beginning: Buffer.from('AMQP\x03\x01\x00\x00', 'latin1'),
    drip: Buffer.concat([Buffer.from([0, 0, 2, 0, 2, 1, 0, 0]), Buffer.alloc(500)]),
    open: tls,
  },
];

describe('clients that are slow on purpose', () => {
  let hub: TortureHub;
  afterEach(() => hub.remove());

  it(
    'are all closed, while others are served',
    async () => {
      hub = await TortureHub.make({ devices: [DEVICE, 'honest'] });
      await hub.start();
      const witness = Witness.watch(hub, 'honest');
      const closedAfter = await Promise.all(
        slowClients(hub)
          .filter(({ long = false }) => FULL || !long)
          .map(async (client, index) => {
            // Of those that have not proven who they are, the hub has only so many of one address.
            const from = `127.0.0.${index + 2}`;
            const all = await Promise.all(Array.from({ length: CLIENTS }, () => untilClosed(hub, client, from)));
            return { what: client.what, slowestMs: Math.max(...all) };
          }),
      );
      await witness.stop();
      const of = { scenario: 'slow-clients', unit: 'ms' };
      for (const { what, slowestMs } of closedAfter) {
        figure({ ...of, what: `one ${what}, closed after`, value: slowestMs, atMost: CLOSED_LIMIT_MS });
      }
      figure({ ...of, what: 'honest client, p99', value: percentile(witness.answeredAfterMs, 0.99) });
    },
    LIMIT_MS,
  );

  /** @returns how long it took the hub to close the connection. */
  async function untilClosed(target: TortureHub, { open, beginning, drip }: SlowClient, from: string): Promise<number> {
    const startMs = performance.now();
    const stream = await open(target, from);
    const closed = once(stream, 'close');
    stream.resume();
    if (beginning) stream.write(beginning);
    let said = 0;
    const timer = setInterval(() => {
      if (said < drip.length - 1 && !stream.destroyed) stream.write(drip.subarray(said, said + 1));
      said += 1;
    }, DRIP_MS);
    stream.once('close', () => {
      clearInterval(timer);
    });
    await closed;
    return performance.now() - startMs;
  }
});
