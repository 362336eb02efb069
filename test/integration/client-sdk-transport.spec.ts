import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ClientOptions, createClient, SpyglassError } from '#client-sdk';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const INFO = { version: '1.2.3', node_version: '24.0.0' };

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'r-1', ...headers });
    response.end(JSON.stringify(body));
  };
const problem = (status: number, code: string, headers: Record<string, string> = { 'retry-after': '0' }): Answer =>
  json(
    status,
    {
      type: 't',
      title: 'T',
      status,
      detail: `It is ${code}.`,
      code,
      hint: 'Do so.',
      request_id: 'r-2',
      details: { a: 1 },
    },
    { 'content-type': 'application/problem+json', ...headers },
  );
const hangUp: Answer = (response) => response.destroy();
const nothing: Answer = () => undefined;

/** A server in trouble of every kind, which the API cannot be made to have on demand. */
describe('calls of the client SDK', () => {
  let server: Server;
  let baseUrl: string;
  let answers: Answer[];
  let seen: { method: string | undefined; url: string | undefined; headers: IncomingMessage['headers'] }[];

  beforeEach(async () => {
    answers = [];
    seen = [];
    server = createServer((request, response) => {
      seen.push({ method: request.method, url: request.url, headers: request.headers });
      request.resume().once('end', () => {
        (answers.shift() ?? json(200, INFO))(response, request);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });

  const client = (options: Partial<ClientOptions> = {}) => createClient({ baseUrl, ...options });
  const failure = async (call: Promise<unknown>): Promise<SpyglassError> => {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof SpyglassError)) throw new Error(`a SpyglassError was expected, not ${String(error)}`);
    return error;
  };
  const callMethod = (options?: Partial<ClientOptions>) =>
    client(options).iotHub.callDirectMethod({ method_name: 'm' });

  it('sends the key of its own client alone, a fresh one each time where a function gives it', async () => {
    let count = 0;
    const fixed = client({ apiKey: 'key-of-one' });
    const rotating = client({ apiKey: () => Promise.resolve(`key-${String((count += 1))}`) });
    await fixed.core.getInfo();
    await rotating.core.getInfo();
    await rotating.core.getInfo();
    await client().core.getInfo();
    await fixed.core.checkLiveness();
    expect(seen.map(({ headers }) => headers['x-api-key'])).toEqual([
      'key-of-one',
      'key-1',
      'key-2',
      undefined,
      undefined,
    ]);
  });

  it.each(['', '/', '/behind/a/proxy', '/behind/a/proxy/'])('keeps the path of baseUrl (%j)', async (path) => {
    await client({ baseUrl: `${baseUrl}${path}` }).core.getInfo();
    expect(seen[0]?.url).toBe(`${path.replace(/\/$/, '')}/core/info`);
  });

  it.each(['', 'localhost:8000', '/api', 'ftp://a.example', 'http://a.example/?b=c', 'http://a.example/#b'])(
    'refuses the baseUrl %j',
    (wrong) => {
      expect(() => createClient({ baseUrl: wrong })).toThrow(
        expect.objectContaining({ name: 'SpyglassError', code: 'CLIENT.INVALID_ARGUMENT' }),
      );
    },
  );

  it('sends with the fetch that it is given', async () => {
    const urls: string[] = [];
    const own: typeof fetch = (input, init) => {
      urls.push(input as string);
      return fetch(input, init);
    };
    await client({ fetch: own }).core.getInfo();
    expect(urls).toEqual([`${baseUrl}/core/info`]);
  });

  it('tells a problem by its code, hint, status, request id and details', async () => {
    answers.push(problem(404, 'DEVICE.NOT_FOUND'));
    const error = await failure(client().iotHub.getDevice({ device_id: 'nobody' }));
    expect(error).toMatchObject({
      name: 'SpyglassError',
      message: 'It is DEVICE.NOT_FOUND.',
      code: 'DEVICE.NOT_FOUND',
      hint: 'Do so.',
      status: 404,
      requestId: 'r-2',
      details: { a: 1 },
    });
    expect(error.stack).toContain('client-sdk-transport.spec');
    expect(seen).toHaveLength(1);
  });

  it.each<[string, Answer, number | undefined]>([
    ['an error page', (response) => response.writeHead(500, { 'x-request-id': 'r-1' }).end('<html>'), 500],
    ['JSON that is no problem', json(500, { error: 'x' }), 500],
    ['a page in place of the answer', (response) => response.writeHead(200).end('<html>'), undefined],
  ])('says that %s is not the API', async (_case, answer, status) => {
    answers.push(answer);
    const error = await failure(client().core.getInfo());
    expect(error).toMatchObject({ code: 'CLIENT.UNEXPECTED_ANSWER', status });
    if (status !== undefined) expect(error.requestId).toBe('r-1');
  });

  it('does not follow a redirect, which would carry the key away', async () => {
    answers.push((response) => response.writeHead(302, { location: `${baseUrl}/elsewhere` }).end());
    const error = await failure(client({ retries: 0, apiKey: 'secret' }).core.getInfo());
    expect(error.code).toBe('CLIENT.CONNECTION_FAILED');
    expect(seen).toHaveLength(1);
  });

  it('gives readiness as an answer even when the API is not ready', async () => {
    const checks = [{ name: 'iot_hub', required: true, healthy: false, reason: 'It does not answer.' }];
    answers.push(json(503, { status: 'not_ready', checks }));
    expect(await client().core.checkReadiness()).toEqual({ status: 'not_ready', checks });
    answers.push(problem(503, 'X.NOT_CONFIGURED'));
    expect((await failure(client().core.checkReadiness())).code).toBe('X.NOT_CONFIGURED');
    expect(seen).toHaveLength(2);
  });

  describe('retries', () => {
    it.each<[string, Answer[]]>([
      ['429, 503, 502', [problem(429, 'A.B'), problem(503, 'A.B'), problem(502, 'A.B')]],
      ['504 from a proxy', [(response) => response.writeHead(504, { 'retry-after': '0' }).end('<html>')]],
    ])('a read after %s', async (_case, troubles) => {
      answers.push(...troubles);
      expect(await client().core.getInfo()).toEqual(INFO);
      expect(seen).toHaveLength(troubles.length + 1);
    });

    it('a read and a deletion whose connection breaks', async () => {
      answers.push(hangUp, json(200, INFO), hangUp, (response) => response.writeHead(204).end());
      expect(await client().core.getInfo()).toEqual(INFO);
      await client().blobStorage.deleteBlob({ blob_name: 'a' });
      expect(seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'DELETE', 'DELETE']);
    });

    it('a read whose answer breaks off', async () => {
      answers.push((response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"version":', () => response.destroy());
      });
      expect(await client().core.getInfo()).toEqual(INFO);
    });

    it('a call that changes something only when it was refused as too many', async () => {
      answers.push(problem(429, 'IOT_HUB.THROTTLED'), problem(503, 'A.BUSY'), json(200, { status: 200, payload: 1 }));
      expect(await callMethod()).toEqual({ status: 200, payload: 1 });
      expect(seen).toHaveLength(3);

      for (const answer of [
        problem(502, 'A.B'),
        problem(504, 'DEVICE.TIMEOUT'),
        problem(500, 'SERVER.FAILED'),
        hangUp,
      ]) {
        seen.length = 0;
        answers.push(answer);
        await failure(callMethod());
        expect(seen).toHaveLength(1);
      }
    });

    it('an upload, whole each time', async () => {
      const bodies: string[] = [];
      const keep =
        (answer: Answer): Answer =>
        (response, request) => {
          bodies.push(request.headers['content-length'] ?? '');
          answer(response, request);
        };
      answers.push(keep(problem(503, 'A.BUSY')), keep(json(201, { name: 'a' })));
      await client().blobStorage.uploadBlob({ blob_name: 'a', file: new Blob(['x'.repeat(10_000)]) });
      expect(bodies).toHaveLength(2);
      expect(Number(bodies[0])).toBeGreaterThan(10_000);
      expect(bodies[1]).toBe(bodies[0]);
    });

    it.each([
      [502, 'AI.UNAUTHORIZED'],
      [502, 'BLOB_STORAGE.ACCESS_DENIED'],
      [502, 'BLOB_STORAGE.CONTAINER_NOT_FOUND'],
      [503, 'IOT_HUB.NOT_CONFIGURED'],
      [429, 'IOT_HUB.QUOTA_EXCEEDED'],
      [500, 'SERVER.FAILED'],
      [400, 'REQUEST.INVALID'],
    ])('nothing that will not pass by itself (%i %s)', async (status, code) => {
      answers.push(problem(status, code));
      expect((await failure(client().core.getInfo())).code).toBe(code);
      expect(seen).toHaveLength(1);
    });

    it('as often as it is told, then gives the last failure', async () => {
      answers.push(problem(503, 'A.ONE'), problem(503, 'A.TWO'), problem(503, 'A.THREE'));
      expect((await failure(client({ retries: 2 }).core.getInfo())).code).toBe('A.THREE');
      expect(seen).toHaveLength(3);
    });

    it('not when Retry-After goes beyond the time of the call', async () => {
      answers.push(problem(429, 'REQUEST.RATE_LIMITED', { 'retry-after': '60' }));
      expect((await failure(client({ timeoutMs: 10_000 }).core.getInfo())).code).toBe('REQUEST.RATE_LIMITED');
      answers.push(problem(429, 'A.B', { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }));
      expect((await failure(client({ timeoutMs: 10_000 }).core.getInfo())).code).toBe('A.B');
      expect(seen).toHaveLength(2);
    });
  });

  describe('with an injected clock', () => {
    beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] }));
    afterEach(() => jest.useRealTimers());

    const refusing = (attempts: number[], headers: Record<string, string> = {}): typeof fetch => {
      return () => {
        attempts.push(performance.now());
        const body = JSON.stringify({ code: 'A.BUSY', hint: 'h', detail: 'd' });
        return Promise.resolve(new Response(body, { status: 503, headers }));
      };
    };

    it('waits longer each time, cut by a random part of at most a half', async () => {
      const attempts: number[] = [];
      const call = failure(client({ fetch: refusing(attempts), retries: 6 }).core.getInfo());
      await jest.advanceTimersByTimeAsync(60_000);
      expect((await call).code).toBe('A.BUSY');
      const waits = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
      expect(waits).toHaveLength(6);
      [500, 1_000, 2_000, 4_000, 8_000, 8_000].forEach((longest, index) => {
        expect(waits[index]).toBeGreaterThanOrEqual(longest / 2);
        expect(waits[index]).toBeLessThanOrEqual(longest + 1);
      });
    });

    it('keeps Retry-After', async () => {
      const attempts: number[] = [];
      const call = failure(client({ fetch: refusing(attempts, { 'retry-after': '7' }), retries: 1 }).core.getInfo());
      await jest.advanceTimersByTimeAsync(60_000);
      await call;
      expect((attempts[1] ?? 0) - (attempts[0] ?? 0)).toBeCloseTo(7_000, -1);
    });

    it('gives a direct method the time that the device has, in addition', async () => {
      const fetchForEver: typeof fetch = (_input, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => {
            reject(init.signal?.reason as Error);
          });
        });
      const started = performance.now();
      const call = failure(
        client({ fetch: fetchForEver, timeoutMs: 1_000 }).iotHub.callDirectMethod({
          method_name: 'm',
          response_timeout_seconds: 20,
          connect_timeout_seconds: 10,
        }),
      ).then((error) => ({ error, afterMs: performance.now() - started }));
      await jest.advanceTimersByTimeAsync(60_000);
      const { error, afterMs } = await call;
      expect(error.code).toBe('CLIENT.TIMEOUT');
      expect(afterMs).toBeCloseTo(31_000, -2);
    });

    it('lets a download take any time once it has begun', async () => {
      const endless: typeof fetch = () => Promise.resolve(new Response(new ReadableStream()));
      await client({ fetch: endless, timeoutMs: 1_000 }).blobStorage.getBlob({ blob_name: 'a' });
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  describe('ends', () => {
    it('a call that takes longer than its time, or the time of its client', async () => {
      answers.push(nothing, nothing);
      const error = await failure(client({ timeoutMs: 50 }).core.getInfo());
      expect(error).toMatchObject({ code: 'CLIENT.TIMEOUT', status: undefined });
      expect(error.message).toContain('50 ms');
      expect((await failure(client().core.getInfo({ timeoutMs: 50 }))).code).toBe('CLIENT.TIMEOUT');
    });

    it('a call whose answer does not come whole in its time', async () => {
      answers.push((response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"version":');
      });
      expect((await failure(client({ timeoutMs: 100 }).core.getInfo())).code).toBe('CLIENT.TIMEOUT');
    });

    it('a call when its signal says so, with the reason of the signal', async () => {
      const leave = new AbortController();
      const reason = new Error('left');
      answers.push(() => {
        leave.abort(reason);
      });
      await expect(client().core.getInfo({ signal: leave.signal })).rejects.toBe(reason);
      await expect(client().core.getInfo({ signal: leave.signal })).rejects.toBe(reason);
      expect(seen).toHaveLength(1);
    });

    it('the wait before a retry when the signal says so', async () => {
      const leave = new AbortController();
      answers.push((response, request) => {
        problem(503, 'A.BUSY', { 'retry-after': '30' })(response, request);
        response.once('close', () => {
          leave.abort(new Error('left'));
        });
      });
      await expect(client().core.getInfo({ signal: leave.signal })).rejects.toThrow('left');
    });
  });

  it.each(['', '.', '..'])('sends no name that would be another route (%j)', async (name) => {
    const { blobStorage, iotHub } = client();
    for (const call of [
      () => blobStorage.getBlob({ blob_name: name }),
      () => blobStorage.headBlob({ blob_name: name }),
      () => blobStorage.deleteBlob({ blob_name: name }),
      () => blobStorage.getImage({ device_name: 'd', file_name: name }),
      () => iotHub.getDevice({ device_id: name }),
      () => iotHub.removeDevice({ device_id: name }),
    ])
      expect((await failure(call())).code).toBe('CLIENT.INVALID_ARGUMENT');
    expect(seen).toHaveLength(0);
  });

  it.each([{ start: -1 }, { start: 1.5 }, { start: 5, end: 4 }, { start: 0, end: Number.NaN }])(
    'sends no range like %j',
    async (range) => {
      expect((await failure(client().blobStorage.getBlob({ blob_name: 'a', range }))).code).toBe(
        'CLIENT.INVALID_ARGUMENT',
      );
    },
  );

  describe('streams of a chat', () => {
    const events =
      (...pieces: (string | Uint8Array)[]): Answer =>
      (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'r-1' });
        const next = (): void => {
          const piece = pieces.shift();
          if (piece === undefined) response.end();
          else response.write(piece, () => setImmediate(next));
        };
        next();
      };
    const chat = async () => client().aiServices.completeChat({ prompt: 'Hi', stream: true });
    const read = async (): Promise<unknown[]> => {
      const pieces: unknown[] = [];
      for await (const piece of await chat()) pieces.push(piece);
      return pieces;
    };

    it('are read however their bytes are cut and their lines end', async () => {
      const text =
        ': hello\r\n\r\nid: 1\r\ndata: {"a":\r\ndata:"€🎥"}\r\n\r\ndata: 2\n\nevent: message\rdata: 3\r\rdata: [DONE]\n\n';
      const bytes = new TextEncoder().encode(text);
      for (const size of [1, 2, 3, 7, bytes.length]) {
        const cut: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) cut.push(bytes.slice(at, at + size));
        answers.push(events(...cut));
        expect(await read()).toEqual([{ a: '€🎥' }, 2, 3]);
      }
    });

    it('fail as the model fails on the way', async () => {
      answers.push(
        events(
          'data: 1\n\n',
          'event: error\ndata: {"error":{"code":"AI.FAILED","message":"It broke.","hint":"Again."}}\n\n',
        ),
      );
      expect(await failure(read())).toMatchObject({
        code: 'AI.FAILED',
        message: 'It broke.',
        hint: 'Again.',
        requestId: 'r-1',
      });
    });

    it.each<[string, Answer, string]>([
      ['end before their end', events('data: 1\n\n'), 'CLIENT.CONNECTION_FAILED'],
      [
        'break off',
        (response) => {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write('data: 1\n\n', () => setImmediate(() => response.destroy()));
        },
        'CLIENT.CONNECTION_FAILED',
      ],
      ['hold no JSON', events('data: {\n\n'), 'CLIENT.UNEXPECTED_ANSWER'],
      ['are none', json(200, INFO), 'CLIENT.UNEXPECTED_ANSWER'],
    ])('fail when they %s', async (_case, answer, code) => {
      answers.push(answer);
      expect((await failure(read())).code).toBe(code);
    });

    it('hang up when the reader leaves the loop, and when the signal says so', async () => {
      for (const leaves of [true, false]) {
        const leave = new AbortController();
        const closed = new Promise((resolve) => {
          answers.push((response) => {
            response.writeHead(200, { 'content-type': 'text/event-stream' });
            response.write('data: 1\n\n');
            response.once('close', resolve);
          });
        });
        const reading = (async () => {
          const stream = await client().aiServices.completeChat(
            { prompt: 'Hi', stream: true },
            { signal: leave.signal },
          );
          for await (const piece of stream) {
            expect(piece).toBe(1);
            if (leaves) break;
            leave.abort(new Error('left'));
          }
        })();
        await (leaves ? reading : expect(reading).rejects.toThrow('left'));
        await closed;
      }
    });
  });

  describe('downloads', () => {
    it('fail when they break off', async () => {
      answers.push((response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('half', () => setImmediate(() => response.destroy()));
      });
      const download = await client().blobStorage.getBlob({ blob_name: 'a' });
      expect((await failure(download.text())).code).toBe('CLIENT.CONNECTION_FAILED');
    });

    it('end when the signal says so', async () => {
      const leave = new AbortController();
      answers.push((response) => {
        response.writeHead(200, { 'content-length': '1000' });
        response.write('half');
      });
      const download = await client().blobStorage.getBlob({ blob_name: 'a' }, { signal: leave.signal });
      const reader = download.stream.getReader();
      expect((await reader.read()).value).toHaveLength(4);
      leave.abort(new Error('left'));
      await expect(reader.read()).rejects.toThrow('left');
    });
  });
});
