import type { NestExpressApplication } from '@nestjs/platform-express';
import request from 'supertest';
import { loadApiConfig } from '../api.config.js';
import { createApp } from '../create-app.js';
import { guardCaller } from './caller-guard.middleware.js';

const CONSOLE = 'https://console.example.com';

describe(guardCaller.name, () => {
  let app: NestExpressApplication;

  async function start(env: Record<string, string> = {}) {
    app = await createApp(loadApiConfig({ CORE_LOG_LEVEL: 'silent', ...env }));
    return request(app.getHttpServer());
  }

  afterEach(() => app.close());

  it.each(['localhost', 'localhost:8000', '127.0.0.1:1', '[::1]:8000', 'LOCALHOST:8000'])(
    'serves the host %s',
    async (host) => {
      const api = await start();
      await api.get('/core/info').set('Host', host).expect(200);
    },
  );

  it.each([
    'evil.example',
    'evil.example:8000',
    'localhost.evil.example',
    '127.0.0.1.evil.example:8000',
    '127.0.0.2',
    '',
  ])('refuses the host %j, which a rebound name would send', async (host) => {
    const api = await start();
    const { body } = await api.get('/core/info').set('Host', host).expect(421);
    expect(body).toMatchObject({ code: 'REQUEST.HOST_NOT_ALLOWED', status: 421 });
  });

  it('serves the hosts that the settings name, with their port if they have one', async () => {
    const api = await start({ ALLOWED_HOSTS: 'spyglass.example, other.example:8443' });
    await api.get('/health/live').set('Host', 'spyglass.example:1234').expect(200);
    await api.get('/health/live').set('Host', 'other.example:8443').expect(200);
    await api.get('/health/live').set('Host', 'other.example:1').expect(421);
    await api.get('/health/live').set('Host', 'localhost').expect(421);
  });

  it.each(['http://evil.example', 'null', 'https://localhost:9999', 'file://'])(
    'refuses the origin %s, whatever it asks for',
    async (origin) => {
      const api = await start();
      for (const path of ['/core/info', '/health/live', '/', '/openapi.json'])
        await api.get(path).set({ Host: 'localhost:8000', Origin: origin }).expect(403);
      await api
        .post('/iot_hub/call_direct_method')
        .set({ Host: 'localhost:8000', Origin: origin })
        .send({})
        .expect(403);
      await api.options('/core/info').set({ Host: 'localhost:8000', Origin: origin }).expect(403);
    },
  );

  it("serves the API's own page", async () => {
    const api = await start();
    await api.get('/core/info').set({ Host: 'localhost:8000', Origin: 'http://localhost:8000' }).expect(200);
  });

  // A listed page shows its origin in what it asks by CORS; what comes without may be of any page.
  describe.each([
    ['no origin', {}],
    ['an origin', { CORS_ORIGINS: CONSOLE }],
  ])('when the settings list %s', (_what, settings) => {
    it.each([
      ['a picture', 'get', '/core/info', 'cross-site', 'no-cors', 'image'],
      ['a picture for a page on another port', 'get', '/core/info', 'same-site', 'no-cors', 'image'],
      ['a script', 'get', '/openapi.json', 'cross-site', 'no-cors', 'script'],
      ['a frame', 'get', '/', 'cross-site', 'navigate', 'iframe'],
      ['an object', 'get', '/', 'cross-site', 'navigate', 'object'],
      ['a form that writes', 'post', '/iot_hub/devices', 'cross-site', 'navigate', 'document'],
    ] as const)('refuses %s in a foreign page', async (_case, method, path, site, mode, dest) => {
      const api = await start(settings);
      const { body } = await api[method](path)
        .set({ Host: 'localhost', 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': mode, 'Sec-Fetch-Dest': dest })
        .expect(403);
      expect(body).toMatchObject({ code: 'REQUEST.FOREIGN_ORIGIN', hint: expect.stringContaining('crossorigin') });
    });

    it.each([
      ['a link', '/', 'cross-site', 'navigate', 'document'],
      ['an address that was typed', '/', 'none', 'navigate', 'document'],
      ['its own picture', '/favicon-32x32.png', 'same-origin', 'no-cors', 'image'],
      ['its own call', '/core/info', 'same-origin', 'cors', 'empty'],
    ])('follows %s', async (_case, path, site, mode, dest) => {
      const api = await start(settings);
      await api
        .get(path)
        .set({ Host: 'localhost', 'Sec-Fetch-Site': site, 'Sec-Fetch-Mode': mode, 'Sec-Fetch-Dest': dest })
        .expect(200);
    });
  });

  it('lets the pictures of a listed origin in that show it', async () => {
    const api = await start({ CORS_ORIGINS: CONSOLE });
    const picture = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'image' };
    const { headers } = await api
      .get('/favicon-32x32.png')
      .set({ Host: 'localhost', Origin: CONSOLE, ...picture })
      .expect(200);
    expect(headers['access-control-allow-origin']).toBe(CONSOLE);
  });

  it('lets the origins in that the settings list, and no other', async () => {
    const api = await start({ CORS_ORIGINS: CONSOLE });
    const { headers } = await api.get('/core/info').set({ Host: 'localhost', Origin: CONSOLE }).expect(200);
    expect(headers['access-control-allow-origin']).toBe(CONSOLE);
    await api.get('/core/info').set({ Host: 'localhost', Origin: 'https://evil.example' }).expect(403);
    const preflight = await api
      .options('/iot_hub/device_twin')
      .set({ Host: 'localhost', Origin: CONSOLE, 'Access-Control-Request-Method': 'PATCH' })
      .expect(204);
    expect(preflight.headers['access-control-allow-methods']).toContain('PATCH');
  });
});
