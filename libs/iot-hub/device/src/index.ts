export type { ConnectionFailure, ConnectionFailureKind } from './connection-failure.js';
export { DesiredPropertiesContext } from './desired-properties.context.js';
export { DesiredProperties } from './desired-properties.decorator.js';
export { DirectMethodContext } from './direct-method.context.js';
export { DirectMethod } from './direct-method.decorator.js';
export type { UploadOutcome, UploadTarget } from './file-uploads.js';
export { type ConnectionState, IotHubDevice, type IotHubDeviceOptions } from './iot-hub-device.js';
export { IotHubDeviceStrategy, type IotHubDeviceStrategyOptions } from './iot-hub-device.strategy.js';
export type { TwinProperties } from './twin-patch.js';
