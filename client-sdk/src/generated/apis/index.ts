/* tslint:disable */
/* eslint-disable */
export * from './AiServicesApi.js';
export * from './BlobStorageApi.js';
export * from './CoreApi.js';
export * from './IotHubApi.js';
export * from './TelemetryApi.js';
