import { createLogger } from '#libs/runtime';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import helmet from 'helmet';
import { PinoLogger } from 'nestjs-pino';
import type { ApiConfig } from './api.config.js';
import { AppModule } from './app.module.js';
import { requireApiKey } from './http/api-key.middleware.js';
import { forgetEmptyBody, JSON_BODY_LIMIT_BYTES, refuseDeepBody, refuseOtherBodies } from './http/body-limits.js';
import { guardCaller } from './http/caller-guard.middleware.js';
import { Metrics } from './http/metrics.js';
import { NestLogger } from './http/nest-logger.js';
import { ProblemFilter } from './http/problem.filter.js';
import { createRequestLogging } from './http/request-logging.js';
import { serveSwagger } from './http/swagger.js';
import { createValidationPipe } from './http/validation.pipe.js';

/** How long a client may take to send its headers. */
const HEADERS_TIMEOUT_MS = 15_000;

/** How long a client may take to send a whole request, large uploads over slow lines included. */
const REQUEST_TIMEOUT_MS = 15 * 60_000;

/** The API, initialised but not yet listening. */
export async function createApp(config: ApiConfig): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(config), {
    bodyParser: false,
    bufferLogs: true,
    abortOnError: false,
  });
  app.useLogger(new NestLogger(await app.resolve(PinoLogger), {}));
  app.disable('x-powered-by');
  // One proxy is trusted, not whatever a caller writes before its entry.
  app.set('trust proxy', config.http.trustProxy ? 1 : false);

  app.use(createRequestLogging(createLogger({ name: 'api', level: config.logLevel })));
  app.use(app.get(Metrics).measure());
  app.use(securityHeaders());
  app.use(guardCaller(config.http));
  if (config.http.corsOrigins.length > 0) {
    app.enableCors({
      origin: [...config.http.corsOrigins],
      exposedHeaders: ['ETag', 'Location', 'Retry-After', 'x-request-id', 'Content-Disposition', 'Content-Range'],
    });
  }
  app.use(requireApiKey(config.http));
  app.use(refuseOtherBodies());
  // What is no object is refused where a body is asked for, by words that fit it.
  app.useBodyParser('json', { limit: JSON_BODY_LIMIT_BYTES, strict: false });
  app.use(forgetEmptyBody());
  app.use(refuseDeepBody());

  app.useGlobalFilters(new ProblemFilter(config.aiServices.maxImageBytes));
  app.useGlobalPipes(createValidationPipe());
  serveSwagger(app, config);
  await app.init();

  const server = app.getHttpServer();
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  return app;
}

/** Helmet's headers, fit for Swagger UI and for plain http on loopback. */
function securityHeaders(): ReturnType<typeof helmet> {
  return helmet({
    contentSecurityPolicy: {
      directives: {
        // Swagger UI shows downloaded pictures from blob: addresses.
        imgSrc: ["'self'", 'data:', 'blob:'],
        // The API itself speaks http; whoever puts TLS before it adds these two.
        upgradeInsecureRequests: null,
      },
    },
    strictTransportSecurity: false,
  });
}
