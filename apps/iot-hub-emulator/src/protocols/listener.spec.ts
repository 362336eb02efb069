import { createServer as createHttpServer, type Server } from 'node:http';
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { pino } from 'pino';
import WebSocket from 'ws';
import { type CertificateWithKey, issueAuthority, issueServerCertificate } from '../tls/certificate-issuer.js';
import { HubMetrics } from '../hub/metrics/hub-metrics.js';
import { aCertificate } from '../../test-support/certificates.js';
import { clientCertificatesOf } from './client-certificates.js';
import { createListener, type Listener, type ListenerOptions } from './listener.js';

const PINGREQ = Buffer.from([0xc0, 0]);

describe(createListener.name, () => {
  let certificate: CertificateWithKey;
  let ca: string;
  let listener: Listener;
  let port: number;
  let mqtt: { stream: Duplex; peer: string }[];
  let amqp: { stream: Duplex; peer: string }[];
  let log: string[];
  let metrics: HubMetrics;

  beforeAll(async () => {
    const authority = await issueAuthority('Test');
    certificate = await issueServerCertificate(authority, ['localhost']);
    ca = authority.certificate;
  });
  afterEach(() => listener.close());

  async function start(options: Partial<ListenerOptions> & { httpServer?: Server } = {}) {
    mqtt = [];
    amqp = [];
    log = [];
    metrics = new HubMetrics();
    listener = createListener({
      tls: { cert: certificate.certificate, key: certificate.key },
      httpServer: createHttpServer((incoming, response) => response.end(`HTTP ${incoming.url ?? ''}`)),
      onMqtt: (stream, peer) => mqtt.push({ stream, peer }),
      onAmqp: (stream, peer) => amqp.push({ stream, peer }),
      logger: pino({ level: 'debug' }, { write: (line: string) => log.push(line) }),
      metrics,
      ...options,
    });
    port = await listener.listen(0, '127.0.0.1');
  }

  async function open(firstBytes?: string | Buffer): Promise<TLSSocket> {
    const socket = connect({ port, host: 'localhost', ca });
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    if (firstBytes !== undefined) socket.write(firstBytes);
    return socket;
  }

  /** How often each error was counted, by protocol and error. */
  async function refusals() {
    const { values = [] } = (await metrics.registry.getSingleMetric('iot_hub_refusals_total')?.get()) ?? {};
    return Object.fromEntries(values.map(({ labels, value }) => [`${labels.protocol} ${labels.error}`, value]));
  }

  const closed = (socket: { once(event: 'close', listener: () => void): unknown; resume(): unknown }) => {
    socket.resume();
    return new Promise<void>((resolve) => socket.once('close', resolve));
  };

  const get = (path: string) =>
    new Promise<string>((resolve, reject) => {
      request({ host: 'localhost', port, path, ca, agent: false }, (response) => {
        resolve(text(response));
      })
        .on('error', reject)
        .end();
    });

  async function until<T>(condition: () => T | undefined | false, what: string): Promise<T> {
    for (let polls = 0; polls < 1000; polls += 1) {
      const result = condition();
      if (result) return result;
      await delay(5);
    }
    throw new Error(`Waited in vain: ${what}`);
  }

  const firstBytesOf = (stream: Duplex) => {
    const first = new Promise<Buffer>((resolve) => stream.once('data', resolve));
    stream.resume();
    return first;
  };

  const webSocket = (path: string, protocol: string) =>
    new WebSocket(`wss://localhost:${port}${path}`, protocol, { ca });

  const outcome = (socket: WebSocket) =>
    new Promise<string>((resolve) => {
      socket.once('open', () => {
        resolve('open');
      });
      socket.once('error', (error) => {
        resolve(error.message);
      });
    });

  it('hands MQTT on with all its bytes', async () => {
    await start();
    const socket = await open(Buffer.from([0x10, 2, 0xaa, 0xbb]));
    const { stream } = await until(() => mqtt[0], 'a stream');
    const first = await firstBytesOf(stream);
    expect(first).toEqual(Buffer.from([0x10, 2, 0xaa, 0xbb]));
    expect(mqtt[0]?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
    socket.destroy();
  });

  it('hands HTTP on, however the request is cut', async () => {
    await start();
    expect(await get('/health')).toBe('HTTP /health');
    const socket = await open('G');
    socket.write('ET /cut HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    expect(await text(socket)).toContain('HTTP /cut');
  });

  it('serves all protocols on several ports', async () => {
    await start();
    port = await listener.listen(0, '127.0.0.1');
    expect(await get('/second')).toBe('HTTP /second');
  });

  it('tells of a busy port', async () => {
    await start();
    await expect(listener.listen(port, '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('hands AMQP on with all its bytes', async () => {
    await start();
    const socket = await open('AMQP\0\x01\0\0');
    const { stream, peer } = await until(() => amqp[0], 'a stream');
    expect(await firstBytesOf(stream)).toEqual(Buffer.from('AMQP\0\x01\0\0'));
    expect(peer).toMatch(/^127\.0\.0\.1:\d+$/);
    socket.destroy();
  });

  it('refuses TLS below 1.2', async () => {
    await start();
    const socket = connect({ port, host: 'localhost', ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
    const error = await new Promise<Error>((resolve) => socket.once('error', resolve));
    expect(error.message).toMatch(/protocol version|no protocols available/i);
  });

  it('hints at the certificate authority when a client does not trust it', async () => {
    await start();
    const socket = connect({ port, host: 'localhost', ca: [] });
    await new Promise((resolve) => socket.once('error', resolve));
    const line = await new Promise<string>((resolve) => {
      const poll = setInterval(() => {
        const found = log.find((entry) => entry.includes('certificate authority'));
        if (found === undefined) return;
        clearInterval(poll);
        resolve(found);
      }, 5);
    });
    expect(JSON.parse(line)).toMatchObject({ level: 30, peer: expect.stringMatching(/^127\.0\.0\.1:\d+$/) });
  });

  it.each([
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['MQTT', '\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04cam1'],
    ['AMQP', 'AMQP\x03\x01\0\0'],
  ])('hints at TLS when a client speaks %s without it', async (_protocol, text) => {
    await start();
    const socket = connectTcp({ port, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.write(text, 'latin1');
    await closed(socket);
    const hints = log.map((line) => JSON.parse(line) as { level: number; hint?: string }).filter(({ hint }) => hint);
    expect(hints).toEqual([expect.objectContaining({ level: 30, hint: expect.stringContaining('without TLS') })]);
  });

  it('closes a client that says nothing after the handshake', async () => {
    await start({ handshakeTimeoutMs: 100 });
    await closed(await open());
    expect(log.join()).toContain('FirstByteTimeout');
    expect(await refusals()).toEqual({ 'tls FirstByteTimeout': 1 });
  });

  it('closes a client that does not even shake hands', async () => {
    await start({ handshakeTimeoutMs: 100 });
    const socket = connectTcp({ port, host: '127.0.0.1' });
    await closed(socket);
    expect(log.join()).toContain('TLS handshake failed');
  });

  it('keeps the time limits of an HTTP server that does not listen itself', async () => {
    const httpServer = createHttpServer({ headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 20 });
    await start({ httpServer });
    const socket = await open('GET / HTTP/1.1\r\nHost');
    expect(await text(socket)).toContain('408 Request Timeout');
  });

  it.each([
    ['in total', { connections: 1, unprovenPerAddress: 5 }, 'TooManyConnections'],
    ['of one address that prove nothing', { connections: 5, unprovenPerAddress: 1 }, 'TooManyUnprovenConnections'],
  ])('counts the connections it refuses for being too many %s, and logs the first', async (_of, caps, error) => {
    await start({ caps });
    const first = await open();
    const refused = Array.from({ length: 2 }, () =>
      connectTcp({ port, host: '127.0.0.1' }).on('error', () => undefined),
    );
    await Promise.all(refused.map(closed));
    expect(await refusals()).toEqual({ [`tls ${error}`]: 2 });
    expect(log.filter((line) => line.includes('Connections refused'))).toHaveLength(1);
    first.destroy();
  });

  describe('over WebSocket', () => {
    const refusalLines = () =>
      log.map((line) => JSON.parse(line) as { msg: string }).filter(({ msg }) => msg === 'WebSocket refused');

    it('hands MQTT on both ways', async () => {
      await start();
      const socket = webSocket('/$iothub/websocket?iothub-no-client-cert=true', 'mqtt');
      expect(await outcome(socket)).toBe('open');
      expect(socket.protocol).toBe('mqtt');
      const { stream, peer } = mqtt[0] ?? fail('no stream');
      expect(peer).toMatch(/websocket$/);
      socket.send(PINGREQ);
      const received = await new Promise((resolve) => stream.once('data', resolve));
      expect(received).toEqual(PINGREQ);
      stream.write(Buffer.from([0xd0, 0]));
      expect(await new Promise((resolve) => socket.once('message', resolve))).toEqual(Buffer.from([0xd0, 0]));
      const end = new Promise<number>((resolve) => socket.once('close', resolve));
      stream.end();
      expect(await end).toBe(1005);
    });

    it.each(['/$iothub/websocket', '/$servicebus/websocket'])('hands AMQP at %s on', async (path) => {
      await start();
      const socket = webSocket(path, 'AMQPWSB10');
      expect(await outcome(socket)).toBe('open');
      expect(socket.protocol).toBe('AMQPWSB10');
      const { stream, peer } = await until(() => amqp[0], 'a stream');
      expect(peer).toMatch(/websocket$/);
      socket.send('AMQP');
      expect(await firstBytesOf(stream)).toEqual(Buffer.from('AMQP'));
      socket.terminate();
    });

    it('holds on to no connection whose WebSocket it has refused, whatever the client does', async () => {
      await start({ caps: { connections: 1, unprovenPerAddress: 1 } });
      const halfOpen = { port, host: 'localhost', ca, allowHalfOpen: true };
      const stubborn = connect(halfOpen);
      stubborn.on('error', () => undefined);
      stubborn.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      expect(await text(stubborn)).toContain('404');
      const isServed = async () => {
        const next = connect({ port, host: 'localhost', ca });
        next.on('error', () => undefined);
        next.end('GET /next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
        return (await text(next).catch(() => '')).includes('/next');
      };
      for (let tries = 0; !(await isServed()); tries += 1) expect(tries).toBeLessThan(100);
      stubborn.destroy();
    });

    it.each([
      ['/', 'mqtt', '404', 'UnknownWebSocketPath'],
      ['/$servicebus/websocket', 'mqtt', '400', 'UnknownWebSocketProtocol'],
      ['/$servicebus/websocket', 'constructor', '400', 'UnknownWebSocketProtocol'],
      ['/$iothub/websocket', 'chat', '400', 'UnknownWebSocketProtocol'],
    ])('refuses path %s with protocol %s', async (path, protocol, status, error) => {
      await start();
      expect(await outcome(webSocket(path, protocol))).toContain(status);
      expect([...mqtt, ...amqp]).toEqual([]);
      expect(refusalLines()).toEqual([expect.objectContaining({ level: 40, reason: error, path, offered: protocol })]);
      expect(await refusals()).toEqual({ [`https ${error}`]: 1 });
    });

    it('refuses a handshake without a key, and says so', async () => {
      await start();
      const socket = await open(
        'GET /$iothub/websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
          'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n',
      );
      expect(await text(socket)).toContain('400 Bad Request');
      expect(refusalLines()).toEqual([
        expect.objectContaining({ level: 40, reason: expect.stringContaining('Sec-WebSocket-Key') }),
      ]);
      expect(await refusals()).toEqual({ 'https BadWebSocketHandshake': 1 });
    });

    it('closes on a message too large to be a packet', async () => {
      await start();
      const socket = webSocket('/$iothub/websocket', 'mqtt');
      await outcome(socket);
      mqtt[0]?.stream.on('error', () => undefined).resume();
      socket.send(Buffer.alloc(513 * 1024));
      expect(await new Promise<number>((resolve) => socket.once('close', resolve))).toBe(1009);
    });
  });

  it('closes what is open when it is closed', async () => {
    await start();
    const sockets = [await open(), await open(PINGREQ), await open('GET / HTTP/1.1\r\n')];
    const webSocketClosed = new Promise((resolve) => {
      const socket = webSocket('/$iothub/websocket', 'mqtt');
      socket.once('open', () => void listener.close());
      socket.once('close', resolve);
      socket.on('error', () => undefined);
    });
    await Promise.all([...sockets.map(closed), webSocketClosed]);
  });

  describe('client certificates', () => {
    it('are asked for, naming no authority, and handed on with the connection over TLS, WebSocket and HTTP', async () => {
      const shown: unknown[] = [];
      const show = (_stream: Duplex, _peer: string, socket: TLSSocket) => {
        shown.push(clientCertificatesOf(socket)?.map(({ subject }) => subject));
      };
      const httpServer = createHttpServer((incoming, response) => {
        show(incoming.socket, '', incoming.socket as TLSSocket);
        response.end();
      });
      await start({ onMqtt: show, onAmqp: show, httpServer });
      const root = await aCertificate({ commonName: 'root', authority: true });
      const own = await aCertificate({ commonName: 'cam', issuer: root });
      const client = { host: 'localhost', port, ca, cert: own.cert + root.cert, key: own.key };
      const socket = connect(client);
      socket.write(Buffer.from([0x10]));
      await until(() => shown.length === 1, 'MQTT comes in');
      socket.destroy();
      const webSocket = new WebSocket(`wss://localhost:${port}/$iothub/websocket`, 'mqtt', client);
      await new Promise((resolve) => webSocket.once('open', resolve));
      await until(() => shown.length === 2, 'MQTT over WebSocket comes in');
      webSocket.terminate();
      await new Promise((resolve) => request({ ...client, agent: false }, resolve).end());
      expect(shown).toEqual(Array.from({ length: 3 }, () => ['CN=cam', 'CN=root']));
      (await open(Buffer.from([0x10]))).destroy();
      await until(() => shown.length === 4, 'a client without a certificate comes in');
      expect(shown[3]).toBeUndefined();
    });

    it('of garbage end nothing but their own connection', async () => {
      await start();
      const weak = await aCertificate({ commonName: 'x'.repeat(64), validToMs: 0, validFromMs: 0 });
      const socket = connect({ host: 'localhost', port, ca, cert: weak.cert, key: weak.key });
      socket.write(Buffer.from([0x10]));
      await until(() => mqtt.length === 1, 'whose certificate that is, is not for the listener to say');
      socket.destroy();
      expect(await get('/still')).toBe('HTTP /still');
    });
  });
});
