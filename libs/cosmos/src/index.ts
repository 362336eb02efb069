export type { ContainerDefinition } from './container-definition.js';
export type { ContainerSettings, CosmosCredentials } from './container-settings.js';
export { CosmosContainer, type Query, type QueryOptions } from './cosmos-container.js';
export type { CosmosErrorCode } from './cosmos-errors.js';
export { createTelemetryContainer } from './create-telemetry-container.js';
export { TELEMETRY_CONTAINER, TELEMETRY_DAYS, telemetryPartition } from './telemetry-container.js';
