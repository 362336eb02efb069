import { utcText } from '../clock.js';
import type { BlobFacts } from '../file-uploads/upload-storage.js';
import type { Hub } from '../hub.js';
import { enqueueServiceMessage } from './service-messages.js';

/** A file that a device has uploaded. */
export interface UploadedFile {
  readonly deviceId: string;
  readonly blobName: string;
  readonly blobUri: string;
  /** What storage says of it, when storage could be asked. */
  readonly facts: BlobFacts | undefined;
}

/**
 * Tells services of a finished upload. For use within the write that closes the upload.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-file-upload#service-file-upload-notifications
 */
export function appendFileNotification(hub: Hub, { deviceId, blobName, blobUri, facts }: UploadedFile): void {
  const now = utcText(hub.clock.nowMs());
  enqueueServiceMessage(hub, 'fileNotifications', {
    deviceId,
    record: {
      deviceId,
      blobUri,
      blobName,
      lastUpdatedTime: facts === undefined ? now : utcText(facts.lastUpdatedMs),
      ...(facts !== undefined && { blobSizeInBytes: facts.sizeBytes }),
      enqueuedTimeUtc: now,
    },
  });
}
