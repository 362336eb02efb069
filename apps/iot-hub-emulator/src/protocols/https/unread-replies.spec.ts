import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { pino } from 'pino';
import { aHub, aToken, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { createIdentity } from '../../hub/registry/identities.js';
import { changeTwin } from '../../hub/twins/service-twin.js';
import { createHttpServer } from './http-server.js';

const MINUTE_MS = 60_000;
/** Twins in the reply: together more than the buffers of two sockets hold. */
const DEVICES = 200;

describe('a client that does not read its replies', () => {
  let hub: TestHub;
  let server: Server;
  let socket: Socket;
  let log: { reason?: string }[];

  beforeEach(async () => {
    log = [];
    hub = aHub({
      logger: pino({ level: 'info' }, { write: (line) => void log.push(JSON.parse(line) as { reason?: string }) }),
    });
    await Promise.all(
      Array.from({ length: DEVICES }, async (_, index) => {
        const identity = { deviceId: `d${index}` };
        await createIdentity(hub, identity);
        const desired = Object.fromEntries(Array.from({ length: 7 }, (_none, part) => [`p${part}`, 'x'.repeat(4000)]));
        await changeTwin(hub, identity, { properties: { desired } }, { mode: 'merge' });
      }),
    );
    server = createHttpServer(hub).listen(0, '127.0.0.1');
    await once(server, 'listening');
    socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.pause();
  });
  afterEach(async () => {
    socket.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    hub.store.close();
  });

  const query = 'SELECT * FROM devices';
  function request(method: string, path: string, body = ''): string {
    const { primaryKey = '' } = hub.policies.find(({ name }) => name === 'iothubowner') ?? {};
    const authorization = aToken('localhost', primaryKey, START_MS + 60 * MINUTE_MS, 'iothubowner');
    return [
      `${method} ${path}?api-version=2021-04-12 HTTP/1.1`,
      'Host: localhost',
      `Authorization: ${authorization}`,
      'x-ms-max-item-count: 1000',
      `Content-Length: ${body.length}`,
      '',
      body,
    ].join('\r\n');
  }
  const largeQuery = () => request('POST', '/devices/query', JSON.stringify({ query }));

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let turns = 0; !(await condition()); turns += 1) {
      if (turns > 100_000) throw new Error('Waited in vain.');
      await nextTurn();
    }
  }
  const connections = () =>
    new Promise<number>((resolve) =>
      server.getConnections((_error, count) => {
        resolve(count);
      }),
    );

  it('loses its connection after a minute, which the log and the metrics tell', async () => {
    socket.write(largeQuery());
    await until(() => hub.clock.timers === 1);
    hub.clock.advance(MINUTE_MS - 1);
    await nextTurn();
    expect(await connections()).toBe(1);
    hub.clock.advance(1);
    await until(async () => (await connections()) === 0);
    expect(log).toEqual([expect.objectContaining({ reason: 'the reply was not read within 60000 ms' })]);
    expect((await hub.metrics.registry.getSingleMetric('iot_hub_refusals_total')?.get())?.values).toEqual([
      { labels: { protocol: 'https', error: 'ReplyTimeout' }, value: 1 },
    ]);
    expect(hub.clock.timers).toBe(0);
  });

  it('gets one reply at a time, however many it asks for', async () => {
    const queried = jest.spyOn(hub.activity, 'flush');
    socket.write(largeQuery().repeat(20));
    await until(() => hub.clock.timers === 1);
    for (let turns = 0; turns < 100; turns += 1) await nextTurn();
    expect(queried).toHaveBeenCalledTimes(1);
  });

  it('gets all of them, in order, when it reads after all', async () => {
    socket.write(
      largeQuery().repeat(3) + request('GET', '/devices/d1').replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
    );
    await until(() => hub.clock.timers === 1);
    hub.clock.advance(MINUTE_MS - 1);
    const received = await text(socket);
    expect(received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(4);
    expect(received).toMatch(/"deviceId":"d1"[^\r\n]*$/);
    expect(log).toEqual([]);
    expect(hub.clock.timers).toBe(0);
  });
});
