import type { Logger } from '#libs/runtime';
import { AppError } from '#libs/runtime';
import type { PictureType, StillPicture } from './still-picture.js';

/** Which library decodes cameras and videos; `auto` takes node-av, and the `ffmpeg` program where node-av is missing. */
export const CAPTURE_BACKENDS = ['auto', 'node-av', 'ffmpeg', 'opencv'] as const;
export type CaptureBackend = (typeof CAPTURE_BACKENDS)[number];

/** How pictures are taken; every field has a default. */
export interface CaptureOptions {
  /** Directory below which files may be read, relative to the working directory. Default `./docs/assets`. */
  mediaRoot?: string;
  /**
   * What stands behind a camera index in place of the machine's own camera of that number: a video file (looped),
   * `rtsp://` or `http(s)://` stream, `/dev/videoN`, or an FFmpeg test source such as `testsrc=size=640x480:rate=30`.
   */
  cameras?: Readonly<Record<number, string>>;
  /** Default `auto`. */
  backend?: CaptureBackend;
  /** 1 to 100, default 85. */
  jpegQuality?: number;
  /** Width and height in pixels: asked of the camera, and larger frames are scaled down into it. Default: as the source. */
  resolution?: { width: number; height: number };
  /** Take EXIF, GPS and other metadata out of pictures read from files, at the price of encoding them anew. Default false. */
  stripMetadata?: boolean;
  /** Frames dropped after a camera was opened, while its exposure settles. Default 5. */
  warmUpFrames?: number;
  /** How long a camera stays open after a shot, in milliseconds. Default 10,000; 0 closes it at once. */
  idleMs?: number;
  /** Default 10,000. */
  openTimeoutMs?: number;
  /** Default 10,000. */
  frameTimeoutMs?: number;
  logger?: Logger;
}

export interface CaptureRequest {
  /** The wanted encoding. */
  contentType: PictureType;
  signal?: AbortSignal;
}

/** A camera that can be captured from. */
export interface CameraDescription {
  index: number;
  /** For people; holds no credentials. */
  name: string;
}

/** Takes still pictures from cameras and files. Make one a process; it opens nothing before it is asked to. */
export class StillCapture {
  constructor(private readonly options: CaptureOptions = {}) {}

  /**
   * Takes one picture with a camera, at its next frame.
   *
   * @throws {@link AppError} with a code of `CAPTURE_ERROR_STATUS`: `CAMERA.BUSY` while another shot is being taken with it.
   */
  fromCamera(request: CaptureRequest & { index: number }): Promise<StillPicture> {
    return Promise.reject(
      new AppError('CAMERA.NOT_FOUND', `No camera ${request.index} of ${JSON.stringify(this.options)}.`),
    );
  }

  /**
   * Reads a picture or the first frame of a video below the media root. A picture of the wanted type passes unchanged.
   *
   * @throws {@link AppError} with a code of `CAPTURE_ERROR_STATUS`: `MEDIA.OUTSIDE_ROOT`, `MEDIA.NOT_FOUND`, …
   */
  fromFile(request: CaptureRequest & { filename: string }): Promise<StillPicture> {
    return Promise.reject(new AppError('MEDIA.NOT_FOUND', `No file ${request.filename}.`));
  }

  /** Like `fromFile`, for a path that the person at the terminal chose: it may lie anywhere. */
  fromTrustedFile(request: CaptureRequest & { path: string }): Promise<StillPicture> {
    return Promise.reject(new AppError('MEDIA.NOT_FOUND', `No file ${request.path}.`));
  }

  /** The cameras of the settings and of the machine, by index. A machine without cameras gives none, never an error. */
  listCameras(): Promise<CameraDescription[]> {
    return Promise.resolve([]);
  }

  /** Closes every open camera; shots under way fail with `CAPTURE.ABORTED`. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}
