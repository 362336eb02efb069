import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import { createHttpServer } from './http-server.js';

describe('what is no HTTP', () => {
  let hub: TestHub;
  let server: Server;
  let log: { msg: string; reason?: string }[];

  beforeEach(async () => {
    log = [];
    const logger = pino(
      { level: 'info' },
      { write: (line) => void log.push(JSON.parse(line) as (typeof log)[number]) },
    );
    hub = aHub({ logger });
    server = createHttpServer(hub).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    hub.store.close();
  });

  async function open(): Promise<Socket> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  }
  const refusals = async () => (await hub.metrics.registry.getSingleMetric('iot_hub_refusals_total')?.get())?.values;

  it.each([
    ['another protocol', 'SSH-2.0-client\r\n\r\n', '400 Bad Request', 'MalformedRequest'],
    ['a header without end', `GET / HTTP/1.1\r\nx: ${'x'.repeat(70 * 1024)}`, '431 Request Header', 'HeadersTooLarge'],
    [
      'two lengths',
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      '400',
      'MalformedRequest',
    ],
  ])('is refused, counted and logged: %s', async (_what, bytes, status, error) => {
    const socket = await open();
    socket.write(bytes);
    expect(await text(socket)).toContain(`HTTP/1.1 ${status}`);
    expect(log).toEqual([
      expect.objectContaining({ msg: 'Request refused', error, reason: expect.any(String) as string }),
    ]);
    expect(await refusals()).toEqual([{ labels: { protocol: 'https', error }, value: 1 }]);
  });

  it('is not counted when a client goes away', async () => {
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const socket = await open();
    const [connection] = await connected;
    const gone = new Promise((resolve) => connection.once('close', resolve));
    socket.write('GET / HTTP/1.1\r\nHost');
    await once(connection, 'data');
    socket.resetAndDestroy();
    await gone;
    expect(await refusals()).toEqual([]);
    expect(log).toEqual([]);
  });
});
