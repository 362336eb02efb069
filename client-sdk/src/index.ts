export type { AiServicesClient, ImageChatParams } from './ai-services-client.js';
export type {
  BlobParams,
  BlobStorageClient,
  GetBlobParams,
  GetImageParams,
  ListBlobsParams,
  UploadBlobParams,
} from './blob-storage-client.js';
export type { CoreClient } from './core-client.js';
export { createClient, type SpyglassClient } from './create-client.js';
export type { BlobProperties, ByteRange, Download } from './download.js';
export type {
  DeviceParams,
  DirectMethodCall,
  DirectMethodReply,
  GetDeviceTwinParams,
  IotHubClient,
  ListDevicesParams,
  UpdateDeviceTwinParams,
} from './iot-hub-client.js';
export type { Page, Pages } from './pages.js';
export { SpyglassError, type SpyglassErrorFacts } from './spyglass-error.js';
export type {
  LatestTelemetry,
  ListLatestTelemetryParams,
  ListTelemetryParams,
  TelemetryClient,
  TelemetryMessage,
} from './telemetry-client.js';
export type { CallOptions, ClientOptions } from './transport.js';
export type * from './generated/models/index.js';
