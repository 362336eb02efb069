import type { ApiConfig } from './api.config.js';
import { isLoopback, LOOPBACK_NAMES } from './api.settings.js';

/** What whoever starts the API should know: services that are not configured, and a name that it would refuse. */
export function startWarnings({ http, iotHub, blobStorage, aiServices }: ApiConfig): string[] {
  const missing = [
    ...(iotHub.credentials ? [] : ['the IoT Hub (IOT_HUB_CONNECTION_STRING or IOT_HUB_HOST_NAME)']),
    ...(blobStorage.credentials ? [] : ['the storage (BLOB_STORAGE_CONNECTION_STRING or BLOB_STORAGE_ACCOUNT_NAME)']),
    ...(aiServices.endpoint === undefined ? ['the AI server (AI_SERVICES_ENDPOINT)'] : []),
  ];
  const onlyLoopback = http.allowedHosts.every((name) => LOOPBACK_NAMES.includes(name));
  return [
    ...(missing.length > 0
      ? [
          `Not configured, so that its routes answer 503: ${missing.join(', ')}. See .env.example; npm start sets all of them.`,
        ]
      : []),
    ...(!isLoopback(http.host) && onlyLoopback
      ? [
          `Other machines are refused until ALLOWED_HOSTS lists the name that they call the API by; it is ${http.allowedHosts.join(',')}.`,
        ]
      : []),
  ];
}
