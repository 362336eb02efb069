import { extname } from 'node:path';
import { Controller } from '@nestjs/common';
import { type PictureType, StillCapture, type StillPicture } from '#libs/capture';
import {
  captureImageFromCamera,
  CaptureImageFromCameraPayload,
  captureImageFromFile,
  CaptureImageFromFilePayload,
  type CaptureReply,
  IMAGE_TYPES,
} from '#libs/contracts';
import { DirectMethod } from '#libs/iot-hub/device';
import { CaptureEvents } from '../telemetry/capture-events.js';
import { FileUpload } from '../uploads/file-upload.js';

/** The direct methods that take a picture and store it. */
@Controller()
export class CaptureImageController {
  constructor(
    private readonly capture: StillCapture,
    private readonly uploads: FileUpload,
    private readonly events: CaptureEvents,
  ) {}

  @DirectMethod(captureImageFromFile)
  async fromFile(payload: CaptureImageFromFilePayload): Promise<CaptureReply> {
    const { filename, correlation_id } = payload;
    const reply = await this.store(payload, (contentType) => this.capture.fromFile({ filename, contentType }));
    this.events.taken(reply, { source: 'file', filename, ...(correlation_id !== undefined && { correlation_id }) });
    return reply;
  }

  @DirectMethod(captureImageFromCamera)
  async fromCamera(payload: CaptureImageFromCameraPayload): Promise<CaptureReply> {
    const { index, correlation_id } = payload;
    const reply = await this.store(payload, (contentType) => this.capture.fromCamera({ index, contentType }));
    this.events.taken(reply, {
      source: 'camera',
      camera_index: index,
      ...(correlation_id !== undefined && { correlation_id }),
    });
    return reply;
  }

  private async store(
    { blob_name }: { blob_name: string },
    take: (contentType: PictureType) => Promise<StillPicture>,
  ): Promise<CaptureReply> {
    const picture = await take(pictureTypeOf(blob_name));
    try {
      const { contentType, sizeBytes, width, height } = picture;
      const stored = await this.uploads.upload({ blobName: blob_name, contentType, open: () => picture.stream() });
      return { blob_name: stored.blobName, size_bytes: sizeBytes, content_type: contentType, width, height };
    } finally {
      await picture.close();
    }
  }
}

/** The contract admits no name without one of these extensions. */
function pictureTypeOf(blobName: string): PictureType {
  return IMAGE_TYPES[extname(blobName).toLowerCase() as keyof typeof IMAGE_TYPES];
}
