export { DeviceRegistry, type DevicePage, type DeviceSummary, type RegisteredDevice } from './device-registry.js';
export { type DeviceTwin, DeviceTwins, type TwinPatch } from './device-twins.js';
export { type DirectMethodCall, type DirectMethodResult, DirectMethods } from './direct-methods.js';
export { HubConnection, type HubCredentials } from './hub-connection.js';
