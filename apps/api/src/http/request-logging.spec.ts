import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { pino } from 'pino';
import { createRequestLogging } from './request-logging.js';

describe(createRequestLogging.name, () => {
  it('writes method, path, status and id of a request, and nothing of its headers and query', async () => {
    const lines: string[] = [];
    const logging = createRequestLogging(pino({ level: 'debug' }, { write: (line: string) => lines.push(line) }));
    const server = createServer((request, response) => {
      logging(request, response);
      request.log.info('meanwhile');
      response.setHeader('set-cookie', 'secret').end('secret');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/blob_storage?blob_name=secret`, {
      method: 'POST',
      body: 'secret',
      headers: { 'x-api-key': 'secret', authorization: 'secret', 'x-request-id': 'trace-1' },
    });
    await response.text();
    server.close();
    await once(server, 'close');

    const [meanwhile, answered] = lines.map((line) => JSON.parse(line) as unknown);
    expect(response.headers.get('x-request-id')).toBe('trace-1');
    expect(meanwhile).toMatchObject({ msg: 'meanwhile', request_id: 'trace-1' });
    expect(answered).toMatchObject({ request_id: 'trace-1', method: 'POST', path: '/blob_storage', status: 200 });
    expect(lines.join()).not.toContain('secret');
  });
});
