import { ApiProperty } from '@nestjs/swagger';
import type { LatestTelemetryPage } from '../queries/list-latest-telemetry/list-latest-telemetry.query.js';
import type { TelemetryPage } from '../queries/list-telemetry/list-telemetry.query.js';
import type { TelemetryMessage } from '../telemetry-message.js';

export class TelemetryMessageResponse {
  /**
   * Names the message.
   * @example 3f0c6a1e-5b1d-4f7e-9a36-5a1c0e8f7d11
   */
  id: string;

  /**
   * Which device has sent it.
   * @example device001
   */
  device_id: string;

  /**
   * What the device says the message is: `telemetry` or `capture` from the device agent; null when it says nothing.
   * @example telemetry
   */
  kind: string | null;

  /**
   * When the hub took the message, ISO 8601 in UTC.
   * @example 2025-01-31T12:00:00.1230000Z
   */
  enqueued_time: string;

  /**
   * Where in the hub the message comes from; null when the hub did not say.
   * @example Telemetry
   */
  source: string | null;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    description: 'The application properties.',
    example: { kind: 'telemetry' },
  })
  properties: Readonly<Record<string, unknown>>;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    description: 'What the device has sent: any JSON, a text, or base64, as `body_format` says.',
    example: { measured_at: '2025-01-31T12:00:00.000Z', cpu_percent: 12.5, frames_captured: 3 },
  })
  body: unknown;

  /** `base64` for bytes that are no text. */
  @ApiProperty({ enum: ['json', 'text', 'base64'] })
  body_format: 'json' | 'text' | 'base64';

  /**
   * True when the hub has stored base64 and `body` is what it stands for. Devices avoid that with the content type
   * application/json and the content encoding utf-8.
   */
  body_was_base64: boolean;

  static of({
    id,
    deviceId,
    kind,
    enqueuedTime,
    source,
    properties,
    body,
  }: TelemetryMessage): TelemetryMessageResponse {
    return {
      id,
      device_id: deviceId,
      kind: kind ?? null,
      enqueued_time: enqueuedTime,
      source: source ?? null,
      properties,
      body: body.value,
      body_format: body.format,
      body_was_base64: body.wasBase64,
    };
  }
}

export class TelemetryPageResponse {
  /** The messages of this page. */
  items: TelemetryMessageResponse[];

  /** Give it as `continuation_token` to get the next page; null on the last. */
  continuation_token: string | null;

  static of({ items, continuationToken }: TelemetryPage): TelemetryPageResponse {
    return {
      items: items.map((message) => TelemetryMessageResponse.of(message)),
      continuation_token: continuationToken ?? null,
    };
  }
}

export class LatestTelemetryResponse {
  /**
   * The device.
   * @example device001
   */
  device_id: string;

  /** Whether the device is connected now. */
  @ApiProperty({ enum: ['Connected', 'Disconnected'] })
  connection_state: 'Connected' | 'Disconnected';

  /** The device's newest message; null when there is none of the last 30 days. */
  latest: TelemetryMessageResponse | null;
}

export class LatestTelemetryPageResponse {
  /** The devices of this page. */
  items: LatestTelemetryResponse[];

  /** Give it as `continuation_token` to get the next page; null on the last. */
  continuation_token: string | null;

  static of({ items, continuationToken }: LatestTelemetryPage): LatestTelemetryPageResponse {
    return {
      items: items.map(({ device, latest }) => ({
        device_id: device.deviceId,
        connection_state: device.connected ? 'Connected' : 'Disconnected',
        latest: latest ? TelemetryMessageResponse.of(latest) : null,
      })),
      continuation_token: continuationToken ?? null,
    };
  }
}
