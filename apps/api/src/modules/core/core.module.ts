import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { CoreController } from './core.controller.js';
import { CheckReadinessHandler } from './queries/check-readiness/check-readiness.handler.js';

/** Version, health and metrics of the API itself. */
@Module({
  imports: [DiscoveryModule],
  controllers: [CoreController],
  providers: [CheckReadinessHandler],
})
export class CoreModule {}
