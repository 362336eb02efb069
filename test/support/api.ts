import type { NestExpressApplication } from '@nestjs/platform-express';
import { loadApiConfig } from '../../apps/api/src/api.config.js';
import { createApp } from '../../apps/api/src/create-app.js';
import { listen } from '../../apps/api/src/listen.js';

export interface RunningApi {
  app: NestExpressApplication;
  url: string;
  close(): Promise<void>;
}

/** The API on a free port, with these settings alone; quiet, and without a limit on requests. */
export async function startApi(settings: Record<string, string>): Promise<RunningApi> {
  const config = loadApiConfig({ CORE_LOG_LEVEL: 'silent', API_PORT: '0', RATE_LIMIT_PER_MINUTE: '0', ...settings });
  const app = await createApp(config);
  const url = await listen(app, config.http);
  return {
    app,
    url,
    close: async () => {
      app.getHttpServer().closeAllConnections();
      await app.close();
    },
  };
}
