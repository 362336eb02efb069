import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { DeviceIdentity } from '../access/device-identity.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import { isJsonObject } from '../json.js';
import { invalidInput } from '../registry/identity-input.js';
import { appendFileNotification } from '../service-bound/append-file-notification.js';
import { deviceBlobName } from './blob-name.js';
import type { UploadStorage } from './upload-storage.js';

/** Uploads a device may have open at a time. */
export const MAX_OPEN_UPLOADS = 10;
/** How long a device may write its blob, and notify of it. */
export const UPLOAD_TTL_MS = 60 * 60 * 1000;
/** Storage and hub need not have the very same time. */
const CLOCK_SKEW_MS = 5 * 60 * 1000;

/**
 * Where a device is to put its file. Its URL is `https://{hostName}/{containerName}/{blobName}{sasToken}`, the name
 * percent-encoded.
 */
export interface FileUpload {
  readonly correlationId: string;
  readonly hostName: string;
  readonly containerName: string;
  /** As it is: the SDKs for C and Java encode it. @see https://github.com/Azure/azure-iot-sdk-c/pull/236 */
  readonly blobName: string;
  readonly sasToken: string;
}

/**
 * Opens an upload: a token for one blob, below the device's own folder, to create and write for one hour.
 *
 * @param body parsed JSON `{ blobName }`, not yet checked.
 * @throws {@link HubError} `DefaultStorageEndpointNotConfigured`, `ArgumentInvalid`, `DeviceMaximumActiveFileUploadLimitExceeded`.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-file-upload
 */
export async function openFileUpload(hub: Hub, { deviceId }: DeviceIdentity, body: unknown): Promise<FileUpload> {
  const storage = requireStorage(hub);
  const blobName = deviceBlobName(deviceId, isJsonObject(body) ? body.blobName : undefined);
  const nowMs = hub.clock.nowMs();
  const expiresAtMs = nowMs + UPLOAD_TTL_MS;
  const correlationId = randomUUID();
  hub.activity.note({ deviceId }, nowMs);
  await hub.store.write(() => {
    hub.store
      .sql('DELETE FROM file_uploads WHERE device_id = ? AND expires_ms <= ?')
      .run(deviceId, nowMs - UPLOAD_TTL_MS);
    const { open } = hub.store
      .sql('SELECT count(*) AS open FROM file_uploads WHERE device_id = ? AND expires_ms > ?')
      .get(deviceId, nowMs) as { open: number };
    if (open >= MAX_OPEN_UPLOADS) {
      throw new HubError(
        'DeviceMaximumActiveFileUploadLimitExceeded',
        `The device has ${open} open uploads; the limit is ${MAX_OPEN_UPLOADS}. Notify the hub of finished ones.`,
      );
    }
    hub.store
      .sql('INSERT INTO file_uploads (correlation_id, device_id, blob_name, expires_ms) VALUES (?, ?, ?, ?)')
      .run(correlationId, deviceId, blobName, expiresAtMs);
  });
  hub.metrics.fileUploads.add('opened');
  return {
    correlationId,
    hostName: storage.hostName,
    containerName: storage.containerName,
    blobName,
    sasToken: storage.sign({ blobName, startsAtMs: nowMs - CLOCK_SKEW_MS, expiresAtMs }),
  };
}

const notificationSchema = z.object({
  correlationId: z.string().nullish(),
  isSuccess: z.boolean(),
  statusCode: z.int().nullish(),
  statusDescription: z.string().max(4096).nullish(),
});

/**
 * Takes a device's word on how its upload went, and closes the upload. Services hear of one that went well.
 *
 * @param body parsed JSON, not yet checked.
 * @param correlationId when the client gives it beside the body; else it is taken from the body.
 * @throws {@link HubError} `ArgumentInvalid`, `InvalidFileUploadCorrelationId`, `ExpiredFileUploadCorrelationId`.
 */
export async function notifyFileUpload(
  hub: Hub,
  { deviceId }: DeviceIdentity,
  body: unknown,
  correlationId?: string,
): Promise<void> {
  const storage = requireStorage(hub);
  const parsed = notificationSchema.safeParse(body);
  if (!parsed.success) throw invalidInput(parsed.error);
  const { isSuccess } = parsed.data;
  const id = correlationId ?? parsed.data.correlationId ?? '';
  const nowMs = hub.clock.nowMs();
  hub.activity.note({ deviceId }, nowMs);
  const blobName = requireUpload(hub, deviceId, id, nowMs);
  const facts = isSuccess ? await storage.lookUp(blobName, nowMs) : undefined;
  await hub.store.write(() => {
    requireUpload(hub, deviceId, id, nowMs);
    hub.store.sql('DELETE FROM file_uploads WHERE correlation_id = ?').run(id);
    if (isSuccess) appendFileNotification(hub, { deviceId, blobName, blobUri: storage.blobUrl(blobName), facts });
  });
  hub.metrics.fileUploads.add(isSuccess ? 'succeeded' : 'failed');
  const { statusCode, statusDescription } = parsed.data;
  hub.logger.info(
    { deviceId, correlationId: id, isSuccess, statusCode, statusDescription, sizeBytes: facts?.sizeBytes },
    'File upload finished',
  );
}

/** The blob of an open upload. @throws {@link HubError} `InvalidFileUploadCorrelationId`, `ExpiredFileUploadCorrelationId`. */
function requireUpload({ store }: Hub, deviceId: string, correlationId: string, nowMs: number): string {
  const upload = store
    .sql('SELECT blob_name, expires_ms FROM file_uploads WHERE correlation_id = ? AND device_id = ?')
    .get(correlationId, deviceId) as { blob_name: string; expires_ms: number } | undefined;
  if (upload === undefined) {
    throw new HubError('InvalidFileUploadCorrelationId', 'The correlation id names no open upload of this device.');
  }
  if (upload.expires_ms <= nowMs) throw new HubError('ExpiredFileUploadCorrelationId', 'The upload has expired.');
  return upload.blob_name;
}

function requireStorage(hub: Hub): UploadStorage {
  if (hub.uploadStorage === undefined) {
    throw new HubError('DefaultStorageEndpointNotConfigured', 'No storage account is configured for file uploads.');
  }
  return hub.uploadStorage;
}
