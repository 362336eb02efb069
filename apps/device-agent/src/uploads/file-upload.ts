import type { Readable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { uploadToSasUrl } from '#libs/blob-storage';
import { IotHubDevice, type UploadOutcome, type UploadTarget } from '#libs/iot-hub/device';
import { AppError } from '#libs/runtime';

export interface FileToUpload {
  /** Without the device id, which the hub puts before it. */
  blobName: string;
  contentType: string;
  /** The bytes from the beginning. */
  open: () => Readable;
  /** Called with the number of bytes sent so far. */
  onProgress?: (sentBytes: number) => void;
  signal?: AbortSignal;
}

export interface UploadedFile {
  /** The stored blob's full name, device id included. */
  blobName: string;
  sizeBytes: number;
}

const STORED: UploadOutcome = { isSuccess: true, statusCode: 200, statusDescription: '' };

/** Stores files where the hub says, and always tells the hub how that ended. */
@Injectable()
export class FileUpload {
  private readonly logger = new Logger(FileUpload.name);

  constructor(private readonly device: IotHubDevice) {}

  /** @throws {@link AppError} `UPLOAD.FAILED`, `UPLOAD.REFUSED` or `UPLOAD.UNREACHABLE`; an `AbortError` */
  async upload({ blobName, contentType, open, onProgress, signal }: FileToUpload): Promise<UploadedFile> {
    const target = await this.device.getUploadTarget(blobName);
    try {
      const { sizeBytes } = await uploadToSasUrl(target.url, open(), { contentType, onProgress, signal });
      await this.notify(target, STORED);
      return { blobName: target.blobName, sizeBytes };
    } catch (error) {
      await this.notify(target, { isSuccess: false, statusCode: 0, statusDescription: codeOf(error) });
      if (signal?.aborted) throw error;
      throw uploadFailed(error);
    }
  }

  /** The file is stored or not, whether the hub hears of it or not: a lost notification is only logged. */
  private async notify(target: UploadTarget, outcome: UploadOutcome): Promise<void> {
    try {
      await this.device.notifyUpload(target, outcome);
    } catch (error) {
      this.logger.warn(`The hub was not told how the upload of ${target.blobName} ended: ${String(error)}`);
    }
  }
}

function uploadFailed(cause: unknown): AppError {
  const reason = cause instanceof AppError ? cause : undefined;
  return new AppError('UPLOAD.FAILED', `The file could not be stored${reason ? `: ${reason.message}` : '.'}`, {
    hint: reason?.hint ?? 'The device’s log has the reason.',
    cause,
  });
}

function codeOf(error: unknown): string {
  return error instanceof AppError ? error.code : 'UPLOAD.FAILED';
}
