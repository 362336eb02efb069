import './require-supported-node.js';
export { EmulatorOptionError, type IotHubEmulator, type IotHubEmulatorOptions } from './emulator-options.js';
export type { CosmosDbEndpoint, IotHubRouting } from './hub/routing/routing-config.js';
export { SeedError } from './seed/checked-file.js';
export type { IotHubSeed } from './seed/seed-schema.js';
export { startIotHubEmulator } from './start-emulator.js';
