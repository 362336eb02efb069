import { Query } from '@nestjs/cqrs';
import type { TelemetryMessage } from '../../telemetry-message.js';

export interface TelemetryPage {
  /** The newest first. */
  readonly items: readonly TelemetryMessage[];
  /** Names the next page; undefined on the last. */
  readonly continuationToken: string | undefined;
}

export interface ListTelemetryOptions {
  /** The first moment, and the first one no more. */
  readonly from: Date | undefined;
  readonly to: Date | undefined;
  readonly kind: string | undefined;
  readonly limit: number;
  readonly continuationToken: string | undefined;
  readonly signal: AbortSignal;
}

export class ListTelemetryQuery extends Query<TelemetryPage> {
  constructor(
    /** Undefined means the default device. */
    readonly deviceId: string | undefined,
    readonly options: ListTelemetryOptions,
  ) {
    super();
  }
}
