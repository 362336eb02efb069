import { createLogger } from '#libs/runtime';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import { ThrottlerModule } from '@nestjs/throttler';
import { LoggerModule } from 'nestjs-pino';
import { ApiConfig } from './api.config.js';
import { Metrics } from './http/metrics.js';
import { RateLimitGuard } from './http/rate-limit.guard.js';
import { AiServicesModule } from './modules/ai-services/ai-services.module.js';
import { BlobStorageModule } from './modules/blob-storage/blob-storage.module.js';
import { CoreModule } from './modules/core/core.module.js';
import { IotHubModule } from './modules/iot-hub/iot-hub.module.js';
import { TelemetryModule } from './modules/telemetry/telemetry.module.js';

const RATE_LIMIT_WINDOW_MS = 60_000;

/** The API's modules, over its settings. */
@Global()
@Module({})
export class AppModule {
  static with(config: ApiConfig): DynamicModule {
    return {
      module: AppModule,
      imports: [
        LoggerModule.forRoot({
          pinoHttp: { logger: createLogger({ name: 'api', level: config.logLevel }) },
          useExisting: true,
        }),
        ThrottlerModule.forRoot({
          throttlers: [{ ttl: RATE_LIMIT_WINDOW_MS, limit: config.http.rateLimitPerMinute }],
          skipIf: () => config.http.rateLimitPerMinute === 0,
        }),
        CqrsModule.forRoot(),
        CoreModule,
        IotHubModule,
        BlobStorageModule,
        AiServicesModule,
        TelemetryModule,
      ],
      providers: [{ provide: ApiConfig, useValue: config }, Metrics, { provide: APP_GUARD, useClass: RateLimitGuard }],
      exports: [ApiConfig, Metrics],
    };
  }
}
