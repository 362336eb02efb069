import { CosmosContainer, TELEMETRY_CONTAINER } from '#libs/cosmos';
import { Module } from '@nestjs/common';
import { ApiConfig } from '../../api.config.js';
import { IotHubModule } from '../iot-hub/iot-hub.module.js';
import { ListLatestTelemetryHandler } from './queries/list-latest-telemetry/list-latest-telemetry.handler.js';
import { ListTelemetryHandler } from './queries/list-telemetry/list-telemetry.handler.js';
import { TelemetryArchive } from './telemetry-archive.js';
import { TelemetryController } from './telemetry.controller.js';
import { TelemetryHealth } from './telemetry.health.js';

const container = {
  provide: CosmosContainer,
  useFactory: ({ cosmos }: ApiConfig) => new CosmosContainer({ ...cosmos, definition: TELEMETRY_CONTAINER }),
  inject: [ApiConfig],
};

/** What devices have sent, read from Cosmos DB. */
@Module({
  imports: [IotHubModule],
  controllers: [TelemetryController],
  providers: [container, TelemetryArchive, ListTelemetryHandler, ListLatestTelemetryHandler, TelemetryHealth],
})
export class TelemetryModule {}
