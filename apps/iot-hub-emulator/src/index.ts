export { EmulatorOptionError, type IotHubEmulator, type IotHubEmulatorOptions } from './emulator-options.js';
export { SeedError } from './seed/read-seed.js';
export type { IotHubSeed } from './seed/seed-schema.js';
export { startIotHubEmulator } from './start-emulator.js';
