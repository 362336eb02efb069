import { open } from 'node:fs/promises';
import { Logger as NestLogger } from '@nestjs/common';
import { assertNewBlobName } from '#libs/blob-storage';
import { IotHubDevice } from '#libs/iot-hub/device';
import { AppError } from '#libs/runtime';
import { connectionStringOf } from '../device-agent.config.js';
import { fileContentType, SIGNATURE_BYTES } from '../uploads/file-content-type.js';
import { FileUpload } from '../uploads/file-upload.js';
import { PinoNestLogger } from '../pino-nest-logger.js';
import type { CommandContext } from './command-context.js';
import { printJson } from './print-json.js';
import { ProgressBar } from './progress-bar.js';

/** Stores a file through the hub's file upload, and prints what was stored. */
export async function uploadToBlobCommand(
  { filePath, blobName }: { filePath: string; blobName: string },
  { settings, logger, signal }: CommandContext,
): Promise<void> {
  assertNewBlobName(blobName);
  NestLogger.overrideLogger(new PinoNestLogger(logger));
  const uploads = new FileUpload(new IotHubDevice({ connectionString: connectionStringOf(settings) }));
  await using file = await openFile(filePath);
  const { size, isFile } = await file.stat().then((stats) => ({ size: stats.size, isFile: stats.isFile() }));
  if (!isFile) throw new AppError('FILE.UNREADABLE', `${filePath} is not a file.`);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(SIGNATURE_BYTES), 0, SIGNATURE_BYTES, 0);
  const contentType = fileContentType(filePath, buffer.subarray(0, bytesRead));
  const progress = new ProgressBar(process.stderr, size);
  const stored = await uploads
    .upload({
      blobName,
      contentType,
      open: () => file.createReadStream({ start: 0, autoClose: false }),
      onProgress: (sentBytes) => {
        progress.show(sentBytes);
      },
      signal,
    })
    .finally(() => {
      progress.end();
    });
  printJson({ blob_name: stored.blobName, size_bytes: stored.sizeBytes, content_type: contentType });
}

async function openFile(path: string): ReturnType<typeof open> {
  try {
    return await open(path);
  } catch (cause) {
    throw new AppError('FILE.UNREADABLE', `Cannot read ${path}.`, { hint: 'Name it with --file-path.', cause });
  }
}
