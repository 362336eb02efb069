import type { DeviceSummary } from '#libs/iot-hub/service';
import { Query } from '@nestjs/cqrs';
import type { TelemetryMessage } from '../../telemetry-message.js';

export interface LatestTelemetryPage {
  /** One for each registered device, in the order of the registry. */
  readonly items: readonly { readonly device: DeviceSummary; readonly latest: TelemetryMessage | undefined }[];
  /** Names the next page; undefined on the last. */
  readonly continuationToken: string | undefined;
}

export class ListLatestTelemetryQuery extends Query<LatestTelemetryPage> {
  constructor(
    readonly options: {
      readonly kind: string | undefined;
      readonly limit: number;
      readonly continuationToken: string | undefined;
      readonly signal: AbortSignal;
    },
  ) {
    super();
  }
}
