import { imageErrors } from '../images/images.errors.js';
import { aiServicesErrors } from '../modules/ai-services/ai-services.errors.js';
import { blobStorageErrors } from '../modules/blob-storage/blob-storage.errors.js';
import { iotHubErrors } from '../modules/iot-hub/iot-hub.errors.js';
import { telemetryErrors } from '../modules/telemetry/telemetry.errors.js';
import type { ErrorEntry } from './error-table.js';
import { httpErrors } from './http.errors.js';

/** Every error code that the API answers with: the tables of all modules in one. */
export const errorCatalogue = {
  ...httpErrors,
  ...iotHubErrors,
  ...blobStorageErrors,
  ...imageErrors,
  ...aiServicesErrors,
  ...telemetryErrors,
} as const;

export type ErrorCode = keyof typeof errorCatalogue;

/** How `code` is shown over HTTP; undefined for a code that is none of ours. */
export function findErrorEntry(code: string): ErrorEntry | undefined {
  return Object.hasOwn(errorCatalogue, code) ? errorCatalogue[code as ErrorCode] : undefined;
}
