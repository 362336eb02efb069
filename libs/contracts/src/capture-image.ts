import { Transform } from 'class-transformer';
import { IsInt, IsNotEmpty, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import type { DirectMethodContract } from './direct-method.js';

/** The longest blob name that a device is asked for, without the device id that the hub puts before it. */
const MAX_BLOB_NAME_LENGTH = 800;

/** The highest camera index that is accepted. */
export const MAX_CAMERA_INDEX = 63;

/** The still image formats a device can store, by the blob name's extension. */
export const IMAGE_TYPES = { '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.png': 'image/png' } as const;

/**
 * Segments without `.` and `..`, of the characters that every part of the way carries unchanged: the device SDK cuts a
 * name that is not ASCII, and `%`, `?`, `#` and the backslash mean something else in a URL.
 */
const IMAGE_NAME = /^(?!\/)(?!.*\/\/)(?!(?:.*\/)?\.{1,2}\/)[\w .,;:=+@~!$&'()*/-]*\.(?:jpe?g|png)$/i;

class BlobTarget {
  /** Name of the blob to write; the hub stores it as `{device_id}/{blob_name}`. Its extension decides the encoding. */
  @Matches(IMAGE_NAME, {
    message: 'blob_name must be a plain ASCII path without empty, . or .. segments that ends in .jpg, .jpeg or .png',
  })
  @MaxLength(MAX_BLOB_NAME_LENGTH)
  @IsString()
  blob_name: string;

  /** Follows one capture through every log line and document. */
  @IsOptional()
  @IsString()
  @MaxLength(128)
  correlation_id?: string;
}

export class CaptureImageFromFilePayload extends BlobTarget {
  /** A picture or video below the device's media root, relative to its working directory. */
  @IsString()
  @IsNotEmpty()
  @MaxLength(1024)
  filename: string;
}

export class CaptureImageFromCameraPayload extends BlobTarget {
  /** Number of the camera, from 0; a numeric string is read as its number. */
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : value,
  )
  @IsInt()
  @Min(0)
  @Max(MAX_CAMERA_INDEX)
  index: number;
}

/** What a device answers after it has stored a picture. */
export class CaptureReply {
  /** The stored blob's full name, device id included. */
  @IsString()
  blob_name: string;

  @IsInt()
  @Min(1)
  size_bytes: number;

  @IsString()
  content_type: string;

  /** In pixels. */
  @IsInt()
  @Min(1)
  width: number;

  /** In pixels. */
  @IsInt()
  @Min(1)
  height: number;
}

export const captureImageFromFile: DirectMethodContract<CaptureImageFromFilePayload, CaptureReply> = {
  name: 'capture_image_from_file',
  payload: CaptureImageFromFilePayload,
  reply: CaptureReply,
};

export const captureImageFromCamera: DirectMethodContract<CaptureImageFromCameraPayload, CaptureReply> = {
  name: 'capture_image_from_camera',
  payload: CaptureImageFromCameraPayload,
  reply: CaptureReply,
};
