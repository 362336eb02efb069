import { AiServicesClient } from './ai-services-client.js';
import { BlobStorageClient } from './blob-storage-client.js';
import { CoreClient } from './core-client.js';
import { IotHubClient } from './iot-hub-client.js';
import { TelemetryClient } from './telemetry-client.js';
import { type ClientOptions, Transport } from './transport.js';

/** A Spyglass API, with one property for each of its tags and one method for each of its operations. */
export interface SpyglassClient {
  readonly core: CoreClient;
  readonly iotHub: IotHubClient;
  readonly blobStorage: BlobStorageClient;
  readonly aiServices: AiServicesClient;
  readonly telemetry: TelemetryClient;
}

/**
 * A client for the API at `baseUrl`. It sends nothing by itself, holds no connection and shares nothing with other clients.
 *
 * @throws {@link SpyglassError} `CLIENT.INVALID_ARGUMENT` when `baseUrl` is no absolute http or https URL
 */
export function createClient(options: ClientOptions): SpyglassClient {
  const transport = new Transport(options);
  return Object.freeze({
    core: new CoreClient(transport),
    iotHub: new IotHubClient(transport),
    blobStorage: new BlobStorageClient(transport),
    aiServices: new AiServicesClient(transport),
    telemetry: new TelemetryClient(transport),
  });
}
