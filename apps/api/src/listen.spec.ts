import type { NestExpressApplication } from '@nestjs/platform-express';
import { loadApiConfig } from './api.config.js';
import { createApp } from './create-app.js';
import { listen } from './listen.js';

describe(listen.name, () => {
  const apps: NestExpressApplication[] = [];
  const config = loadApiConfig({ API_PORT: '0', CORE_LOG_LEVEL: 'silent' });

  async function anApp(): Promise<NestExpressApplication> {
    const app = await createApp(config);
    apps.push(app);
    return app;
  }

  afterAll(() => Promise.all(apps.map((app) => app.close())));

  it('gives the address to call, and names a busy port with the setting that changes it', async () => {
    const url = await listen(await anApp(), config.http);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const port = Number(new URL(url).port);
    await expect(listen(await anApp(), { ...config.http, port })).rejects.toMatchObject({
      code: 'SETTINGS.PORT_BUSY',
      message: expect.stringContaining(`Port ${port} `),
      hint: expect.stringContaining('API_PORT'),
    });
  });
});
