import type { NestExpressApplication } from '@nestjs/platform-express';
import request from 'supertest';
import { loadApiConfig } from './api.config.js';
import { createApp } from './create-app.js';

const KEYS = ['first-key-0123456789', 'second-key-0123456789'];

describe(createApp.name, () => {
  let app: NestExpressApplication;

  async function start(env: Record<string, string> = {}) {
    app = await createApp(loadApiConfig({ CORE_LOG_LEVEL: 'silent', ...env }));
    return request(app.getHttpServer());
  }

  afterEach(() => app.close());

  describe('with API keys', () => {
    it.each(KEYS)('accepts each of them', async (key) => {
      const api = await start({ API_KEYS: KEYS.join(',') });
      await api.get('/core/info').set('x-api-key', key).expect(200);
    });

    it.each([undefined, '', 'wrong', `${KEYS[0] ?? ''}x`, KEYS.join(',')])('refuses %j', async (key) => {
      const api = await start({ API_KEYS: KEYS.join(',') });
      for (const path of [
        '/core/info',
        '/metrics',
        '/health/ready',
        '/iot_hub/devices',
        '/nope',
        '//',
        '/health/live/x',
      ]) {
        const call = api.get(path);
        if (key !== undefined) call.set('x-api-key', key);
        const { body } = await call.expect(401);
        expect(body.code).toBe('REQUEST.UNAUTHORIZED');
      }
    });

    it.each(['/', '/health/live', '/openapi.json', '/swagger-ui.css', '/swagger-ui-init.js', '/favicon-32x32.png'])(
      'leaves %s open',
      async (path) => {
        const api = await start({ API_KEYS: KEYS.join(',') });
        await api.get(path).expect(200);
      },
    );

    it('refuses before the body is read', async () => {
      const api = await start({ API_KEYS: KEYS.join(',') });
      await api.post('/iot_hub/call_direct_method').set('Content-Type', 'application/json').send('{').expect(401);
    });
  });

  describe('answering', () => {
    it.each([
      ['an unknown route', 'get', '/nope', 404, 'ROUTE.NOT_FOUND'],
      ['a method that the route has not', 'put', '/iot_hub/device_twin', 405, 'ROUTE.METHOD_NOT_ALLOWED'],
      ['a file that belongs to no page of ours', 'get', '/README.md', 404, 'ROUTE.NOT_FOUND'],
      ['a path that cannot be decoded', 'get', '/iot_hub/devices/%E0%A4%A', 400, 'REQUEST.NOT_ACCEPTED'],
      ['a missing body', 'post', '/iot_hub/call_direct_method', 400, 'REQUEST.INVALID'],
      ['no configured hub', 'get', '/iot_hub/devices', 503, 'IOT_HUB.NOT_CONFIGURED'],
      ['no configured hub before no named device', 'get', '/iot_hub/device_twin', 503, 'IOT_HUB.NOT_CONFIGURED'],
      ['a limit out of range', 'get', '/iot_hub/devices?limit=0', 400, 'REQUEST.INVALID'],
      ['an unknown parameter', 'get', '/iot_hub/devices?limits=5', 400, 'REQUEST.INVALID'],
      ['an id that no device can have', 'get', '/iot_hub/devices/a%2Fb', 400, 'REQUEST.INVALID'],
      ['an id of dots', 'get', '/iot_hub/device_twin?device_id=..', 400, 'REQUEST.INVALID'],
    ] as const)('names %s as a problem', async (_case, method, path, status, code) => {
      const api = await start();
      const { body, headers } = await api[method](path);
      expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
      expect(body).toMatchObject({ status, code, type: `urn:spyglass:error:${code}` });
      expect(body).toMatchObject({ title: expect.any(String), detail: expect.any(String), hint: expect.any(String) });
      expect(body.request_id).toBe(headers['x-request-id']);
    });

    it('asks for a device when there is a hub', async () => {
      const api = await start({ IOT_HUB_HOST_NAME: 'hub.example.com' });
      const { body } = await api.get('/iot_hub/device_twin').expect(400);
      expect(body).toMatchObject({ code: 'DEVICE.NOT_NAMED' });
    });

    it('lists the methods that a route has', async () => {
      const api = await start();
      const { headers } = await api.delete('/iot_hub/device_twin').expect(405);
      expect(headers.allow).toBe('GET, HEAD, PATCH');
    });

    it.each([
      ['malformed JSON', 'application/json', '{"method_name":', 400, 'REQUEST.MALFORMED'],
      ['JSON that is no object', 'application/json', '"text"', 400, 'REQUEST.INVALID'],
      ['a list', 'application/json', '[]', 400, 'REQUEST.INVALID'],
      ['plain text', 'text/plain', 'text', 415, 'REQUEST.MEDIA_TYPE_NOT_SUPPORTED'],
      ['a form', 'application/x-www-form-urlencoded', 'method_name=a', 415, 'REQUEST.MEDIA_TYPE_NOT_SUPPORTED'],
      ['an unknown charset', 'application/json; charset=nope', '{}', 415, 'REQUEST.MEDIA_TYPE_NOT_SUPPORTED'],
      ['too large a body', 'application/json', `"${'a'.repeat(300_000)}"`, 413, 'REQUEST.TOO_LARGE'],
      [
        'too deep a body',
        'application/json',
        `{"payload":${'['.repeat(90_000)}${']'.repeat(90_000)}}`,
        400,
        'REQUEST.INVALID',
      ],
    ])('refuses %s', async (_case, type, text, status, code) => {
      const api = await start();
      const { body } = await api.post('/iot_hub/call_direct_method').set('Content-Type', type).send(text);
      expect(body).toMatchObject({ status, code });
    });

    it('says where JSON breaks without quoting it', async () => {
      const api = await start();
      const text = '{"method_name": canary}';
      const { body } = await api
        .post('/iot_hub/call_direct_method')
        .set('Content-Type', 'application/json')
        .send(text)
        .expect(400);
      expect(body.detail).toMatch(/^The request body is not well-formed JSON/);
      expect(JSON.stringify(body)).not.toContain('canary');
    });

    it('lists every broken rule of a body at once', async () => {
      const api = await start();
      const { body } = await api
        .post('/iot_hub/call_direct_method')
        .send({ method: 'x', response_timeout_seconds: 4, connect_timeout_seconds: 301, device_id: 'a b' })
        .expect(400);
      expect(body.details.problems).toEqual(
        expect.arrayContaining([
          'method should not exist',
          'method_name is required',
          'response_timeout_seconds must not be less than 5',
          'connect_timeout_seconds must not be greater than 300',
          expect.stringContaining('device_id may hold letters'),
        ]),
      );
    });

    it.each(['null', '[]', '1', '"text"', undefined])('says of the body %s only that it is no object', async (text) => {
      const api = await start();
      const { body } = await api
        .post('/iot_hub/call_direct_method')
        .set('Content-Type', 'application/json')
        .send(text)
        .expect(400);
      expect(body.details).toEqual({ problems: ['the body must be a JSON object'] });
    });

    it.each([
      ['/iot_hub/devices?limit=abc', 'limit must be an integer number'],
      ['/iot_hub/devices?limit=1.5', 'limit must be an integer number'],
      ['/iot_hub/device_twin?device_id=a&device_id=b', 'device_id must be a string'],
    ])('says one thing about a wrong type in %s', async (path, problem) => {
      const api = await start();
      const { body } = await api.get(path).expect(400);
      expect(body.details).toEqual({ problems: [problem] });
    });

    it('speaks of the URL when that cannot be decoded', async () => {
      const api = await start();
      const { body } = await api.get('/iot_hub/devices/%E0%A4%A').expect(400);
      expect(body).toMatchObject({ detail: expect.stringContaining('URL'), hint: expect.stringContaining('URL') });
    });

    it('asks for blob_name where it belongs', async () => {
      const api = await start();
      const { body } = await api.post('/blob_storage').field('blob_name', 'a').attach('file', Buffer.from('x'), 'x');
      expect(body.details).toEqual({
        problems: [expect.stringMatching(/^blob_name is required, as a query parameter/)],
      });
    });

    describe('a form that asks about a picture', () => {
      const post = async (change: (form: request.Test) => request.Test) => {
        const api = await start({ AI_SERVICES_MAX_IMAGE_BYTES: '1000' });
        const { body } = await change(api.post('/ai_services/chat/completions_with_image'));
        return body as { status: number; detail: string; hint: string; details: { problems: string[] } };
      };
      const picture = Buffer.from('x');

      it('gets the limit of the picture when that is too large', async () => {
        const { status, detail } = await post((form) =>
          form.field('prompt', 'x').attach('file', Buffer.alloc(1001), 'x.png'),
        );
        expect({ status, detail }).toEqual({ status: 413, detail: 'The picture is larger than 1000 bytes.' });
      });

      it.each([undefined, '{"prompt":"x"}'])('is asked for in place of %s', async (text) => {
        const { status, detail } = await post((form) => form.set('Content-Type', 'application/json').send(text));
        expect({ status, detail }).toEqual({ status: 400, detail: expect.stringContaining('multipart form') });
      });

      it('is told that text is no file', async () => {
        const { details } = await post((form) => form.field('prompt', 'x').field('file', 'x.png'));
        expect(details.problems).toEqual(['file must be a file, not text']);
      });

      it('is told the name of the field', async () => {
        const { detail, hint } = await post((form) => form.field('prompt', 'x').attach('image', picture, 'x.png'));
        expect(detail).toBe('The form has its file in the field image; it belongs into the field file.');
        expect(hint).not.toContain('JSON');
      });

      it('is told of a form that ends too early without a word of JSON', async () => {
        const { status, hint } = await post((form) =>
          form.set('Content-Type', 'multipart/form-data; boundary=b').send('--b\r\nContent-Disp'),
        );
        expect(status).toBe(400);
        expect(hint).not.toContain('JSON');
      });

      it.each([
        ['{', 'json_schema is not valid JSON'],
        ['[1]', 'json_schema must be a JSON object'],
        ['"text"', 'json_schema must be a JSON object'],
      ])('is told what is wrong with the schema %s', async (schema, problem) => {
        const { details } = await post((form) =>
          form.field('prompt', 'x').field('json_schema', schema).attach('file', picture, 'x.png'),
        );
        expect(details.problems).toEqual([problem]);
      });
    });

    it('cuts a long list of broken rules short', async () => {
      const api = await start();
      const fields = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field${index}`, 1]));
      const { body } = await api
        .post('/iot_hub/devices')
        .send({ device_id: 'a', ...fields })
        .expect(400);
      expect(body.details.problems).toHaveLength(51);
      expect(body.details.problems).toContain('and 4950 more');
    });

    it.each([
      ['reported properties', { properties: { reported: { a: 1 } } }, 'reported is written by the device alone'],
      ['an etag', { tags: {}, etag: 'x' }, 'etag belongs into the header If-Match'],
      ['a device id', { tags: {}, device_id: 'x' }, 'device_id belongs into the query'],
      ['nothing', {}, 'tags or properties.desired must be given'],
      ['a list of tags', { tags: [] }, 'tags must be a JSON object'],
      ['null for all tags', { tags: null }, 'tags or properties.desired must be given'],
      ['metadata', { properties: { desired: { $version: 1 } } }, 'properties.desired must not have names that hold'],
      ['an unknown section', { tags: {}, desired: {} }, 'desired should not exist'],
    ])('refuses %s in a twin patch', async (_case, patch, problem) => {
      const api = await start({ IOT_HUB_DEVICE_ID: 'device001' });
      const { body } = await api.patch('/iot_hub/device_twin').send(patch).expect(400);
      expect(body).toMatchObject({ code: 'REQUEST.INVALID' });
      expect(String(body.details.problems)).toContain(problem);
    });

    it.each(['W/"a"', '"a", "b"', '""', 'a b'])('refuses %s in If-Match', async (tag) => {
      const api = await start({ IOT_HUB_DEVICE_ID: 'device001' });
      const { body } = await api
        .patch('/iot_hub/device_twin')
        .set('If-Match', tag)
        .send({ tags: { a: 1 } })
        .expect(400);
      expect(body.detail).toContain('If-Match');
    });

    it('echoes a sane request id and replaces any other', async () => {
      const api = await start();
      const given = await api.get('/core/info').set('x-request-id', 'trace-1.a:b');
      expect(given.headers['x-request-id']).toBe('trace-1.a:b');
      for (const id of ['a b', 'x'.repeat(65), '"}']) {
        const { headers } = await api.get('/core/info').set('x-request-id', id);
        expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
      }
    });

    it('tells a caller that calls too often when to come back', async () => {
      const api = await start({ RATE_LIMIT_PER_MINUTE: '2' });
      await api.get('/core/info').expect(200);
      await api.get('/health/live').expect(200);
      const { body, headers } = await api.get('/core/info').expect(429);
      expect(body.code).toBe('REQUEST.RATE_LIMITED');
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    });

    it('counts requests by route template, never by path', async () => {
      const api = await start();
      await api.get('/iot_hub/devices/device001').expect(503);
      await api.get('/secret-path').expect(404);
      const { text } = await api
        .get('/metrics')
        .expect(200)
        .expect('Content-Type', /^text\/plain/);
      expect(text).toMatch(
        /http_request_duration_seconds_count\{method="GET",route="\/iot_hub\/devices\/:device_id",status="503"\} 1/,
      );
      expect(text).toContain('process_resident_memory_bytes');
      expect(text).not.toContain('secret-path');
    });

    it('is alive but not ready without a hub', async () => {
      const api = await start();
      await api.get('/health/live').expect(200, { status: 'live' });
      const { body } = await api.get('/health/ready').expect(503);
      expect(body.status).toBe('not_ready');
      expect(body.checks).toContainEqual({
        name: 'iot_hub',
        required: true,
        healthy: false,
        reason: 'No IoT Hub is configured.',
      });
    });

    it('shows a problem only once for each operation of its page', async () => {
      const api = await start();
      const { text } = await api.get('/').expect(200);
      const [style = ''] = /tr\.response:is\([^}]*\}/.exec(text) ?? [];
      expect(style).toMatch(/data-code\^="4".*data-code\^="5".*\.model-example.*display: none/);
    });

    it('serves its page from this machine alone, under a policy that lets no other in', async () => {
      const api = await start();
      const { text, headers } = await api.get('/').expect(200);
      expect(headers['content-security-policy']).toContain("script-src 'self';");
      expect([...text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url)).not.toContainEqual(
        expect.stringMatching(/^(?:https?:)?\/\//),
      );
    });
  });
});
