import { CoreApi } from './generated/apis/index.js';
import type { InfoResponse, LivenessResponse, ReadinessResponse } from './generated/models/index.js';
import { ResponseError } from './generated/runtime.js';
import type { CallOptions, Transport } from './transport.js';

/** Version, health and metrics. */
export class CoreClient {
  readonly #api: CoreApi;
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#api = new CoreApi(transport.configuration);
    this.#transport = transport;
  }

  /** Tells version and build of the API. */
  getInfo(options?: CallOptions): Promise<InfoResponse> {
    return this.#transport.call((init) => this.#api.getInfo(init), options);
  }

  /** Resolves when the API runs. It needs no API key. */
  checkLiveness(options?: CallOptions): Promise<LivenessResponse> {
    return this.#transport.call((init) => this.#api.checkLiveness(init), options);
  }

  /** Tells whether the API can do its work, and which check keeps it from that; `not_ready` is an answer, no error. */
  checkReadiness(options?: CallOptions): Promise<ReadinessResponse> {
    return this.#transport.call((init) => this.#api.checkReadiness(init).catch(readinessIn), options);
  }

  /** Gives the API's metrics in the text format of Prometheus. */
  getMetrics(options?: CallOptions): Promise<string> {
    return this.#transport.call((init) => this.#api.getMetrics(init), options);
  }
}

/** An API that is not ready says so with status 503. */
async function readinessIn(thrown: unknown): Promise<ReadinessResponse> {
  if (!(thrown instanceof ResponseError && thrown.response.status === 503)) throw thrown;
  const answer = (await thrown.response
    .clone()
    .json()
    .catch(() => null)) as Partial<ReadinessResponse> | null;
  if (!answer?.checks) throw thrown;
  return answer as ReadinessResponse;
}
