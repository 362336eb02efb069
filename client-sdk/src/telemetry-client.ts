import { type ListLatestTelemetryRequest, type ListTelemetryRequest, TelemetryApi } from './generated/apis/index.js';
import type { LatestTelemetryResponse, TelemetryMessageResponse } from './generated/models/index.js';
import { Pages } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** A message that a device has sent. */
export interface TelemetryMessage extends Omit<TelemetryMessageResponse, 'body'> {
  /** What the device has sent: any JSON, a text, or base64, as `body_format` says. */
  body: unknown;
}

/** A registered device with its newest message. */
export interface LatestTelemetry extends Omit<LatestTelemetryResponse, 'latest'> {
  /** The device's newest message; null when there is none of the last 30 days. */
  latest: TelemetryMessage | null;
}

/** Which messages to list. */
export type ListTelemetryParams = ListTelemetryRequest;

/** Of which messages to list the newest. */
export type ListLatestTelemetryParams = ListLatestTelemetryRequest;

/** What devices have sent, from Cosmos DB. */
export class TelemetryClient {
  readonly #api: TelemetryApi;
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#api = new TelemetryApi(transport.configuration);
    this.#transport = transport;
  }

  /**
   * Lists the messages of a device, the newest first: samples of how it is, and events of its captures. `from` and `to` are
   * moments as ISO 8601, such as `date.toISOString()` gives.
   */
  listTelemetry(params: ListTelemetryParams = {}, options?: CallOptions): Pages<TelemetryMessage> {
    return new Pages(params.continuation_token, (continuation_token) =>
      this.#transport.call((init) => this.#api.listTelemetry({ ...params, continuation_token }, init), options),
    );
  }

  /** Lists every registered device with its newest message. */
  listLatestTelemetry(params: ListLatestTelemetryParams = {}, options?: CallOptions): Pages<LatestTelemetry> {
    return new Pages(params.continuation_token, (continuation_token) =>
      this.#transport.call((init) => this.#api.listLatestTelemetry({ ...params, continuation_token }, init), options),
    );
  }
}
