import { access, constants } from 'node:fs/promises';
import { MAX_CAMERA_INDEX } from '#libs/contracts';
import { AppError, type Logger } from '#libs/runtime';
import { AtOnce } from './at-once.js';
import { Camera } from './camera.js';
import { cameraSource, describeSource } from './camera-source.js';
import { MAX_FILES_AT_ONCE, MAX_PICTURE_BYTES, MAX_VIDEO_BYTES } from './capture-limits.js';
import type { Frame, FrameSource } from './frame-source.js';
import { type CaptureBackend, loadFrameSource } from './load-frame-source.js';
import { LoopedVideo } from './looped-video.js';
import { MediaFile } from './media-file.js';
import { MediaRoot } from './media-root.js';
import { fileTooLarge } from './oversize.js';
import { PictureEncoder } from './picture-encoder.js';
import { isPicture, SIGNATURE_BYTES } from './picture-signature.js';
import type { PictureType, StillPicture } from './still-picture.js';
import { aborted } from './time-limit.js';
import { readFirstFrame } from './video-file.js';

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
  /** How long opening a source may take, in milliseconds. Default 10,000. */
  openTimeoutMs?: number;
  /** How long an open source may send nothing, in milliseconds; warming up counts. Default 10,000. */
  frameTimeoutMs?: number;
  logger?: Logger;
}

/** What every capture is asked for. */
export interface CaptureRequest {
  /** The wanted encoding. */
  contentType: PictureType;
  /** Aborts the capture with `CAPTURE.ABORTED`. */
  signal?: AbortSignal;
}

/** A camera that can be captured from. */
export interface CameraDescription {
  index: number;
  /** For people; holds no credentials. */
  name: string;
}

interface CameraSlot {
  busy: boolean;
  nextFrame(signal: AbortSignal): Promise<Frame>;
  close(): Promise<void>;
}

const DEFAULTS = {
  mediaRoot: './docs/assets',
  cameras: {} as Readonly<Record<number, string>>,
  backend: 'auto' as CaptureBackend,
  jpegQuality: 85,
  stripMetadata: false,
  warmUpFrames: 5,
  idleMs: 10_000,
  openTimeoutMs: 10_000,
  frameTimeoutMs: 10_000,
};

/** Takes still pictures from cameras and files. Make one a process; it opens and loads nothing before it is asked to. */
export class StillCapture {
  readonly #options: CaptureOptions & typeof DEFAULTS;
  readonly #mediaRoot: MediaRoot;
  readonly #encoder: PictureEncoder;
  readonly #slots = new Map<number, CameraSlot>();
  readonly #files = new AtOnce(MAX_FILES_AT_ONCE);
  readonly #closed = new AbortController();
  #frameSource: Promise<FrameSource> | undefined;

  /** `loadSource` replaces the library that the options ask for. */
  constructor(
    options: CaptureOptions = {},
    private readonly loadSource: () => Promise<FrameSource> = () =>
      loadFrameSource(options.backend ?? DEFAULTS.backend, { logger: options.logger }),
  ) {
    this.#options = { ...DEFAULTS, ...options };
    this.#mediaRoot = new MediaRoot(this.#options.mediaRoot);
    this.#encoder = new PictureEncoder(this.#options);
  }

  /**
   * Takes one picture with a camera, at its next frame.
   *
   * @throws {@link AppError} with a code of `CAPTURE_ERROR_STATUS`: `CAMERA.BUSY` while another shot is being taken with it.
   */
  async fromCamera({ index, contentType, signal }: CaptureRequest & { index: number }): Promise<StillPicture> {
    const slot = this.#slot(index);
    if (slot.busy) {
      throw new AppError('CAMERA.BUSY', `Camera ${index} is taking another picture.`, {
        hint: 'Try again in a moment.',
      });
    }
    slot.busy = true;
    try {
      const frame = await slot.nextFrame(this.#signal(signal));
      return await this.#encoder.encodeFrame(frame, contentType);
    } finally {
      slot.busy = false;
    }
  }

  /**
   * Reads a picture or the first frame of a video below the media root. A picture of the wanted type passes unchanged.
   *
   * @throws {@link AppError} with a code of `CAPTURE_ERROR_STATUS`: `MEDIA.OUTSIDE_ROOT`, `MEDIA.NOT_FOUND`, …
   */
  fromFile({ filename, ...request }: CaptureRequest & { filename: string }): Promise<StillPicture> {
    return this.#files.run(async () => this.#capture(await this.#mediaRoot.open(filename), request));
  }

  /** Like `fromFile`, for a path that the person at the terminal chose: it may lie anywhere. */
  fromTrustedFile({ path, ...request }: CaptureRequest & { path: string }): Promise<StillPicture> {
    return this.#files.run(async () => this.#capture(await MediaFile.openTrusted(path), request));
  }

  /** The cameras of the settings and of the machine, by index. A machine without cameras gives none, never an error. */
  async listCameras(): Promise<CameraDescription[]> {
    const cameras = new Map<number, string>();
    try {
      const source = await this.#source();
      for (const { number, name } of await source.listDevices()) cameras.set(number, name);
    } catch (error) {
      this.#options.logger?.warn({ err: error }, 'cannot list cameras');
    }
    for (const [index, setting] of Object.entries(this.#options.cameras)) {
      const source = cameraSource(Number(index), setting);
      const flaw = source.kind === 'file' && !(await isReadable(source.path)) ? ' (cannot be read)' : '';
      cameras.set(Number(index), describeSource(source) + flaw);
    }
    return [...cameras].map(([index, name]) => ({ index, name })).sort((left, right) => left.index - right.index);
  }

  /** Closes every open camera; shots under way fail with `CAPTURE.ABORTED`. */
  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([...this.#slots.values()].map((slot) => slot.close()));
  }

  /** Takes the file over: it is closed here, or by the picture. */
  async #capture(file: MediaFile, { contentType, signal: asked }: CaptureRequest): Promise<StillPicture> {
    const signal = this.#signal(asked);
    let passedOn = false;
    try {
      if (signal.aborted) throw aborted(signal);
      if (isPicture(await file.head(SIGNATURE_BYTES))) {
        if (file.sizeBytes > MAX_PICTURE_BYTES) throw fileTooLarge('picture');
        passedOn = true;
        return await this.#encoder.encodeFile(file, contentType);
      }
      if (file.sizeBytes > MAX_VIDEO_BYTES) throw fileTooLarge('video');
      const input = { kind: 'file', file, startMs: 0 } as const;
      const frame = await readFirstFrame(await this.#source(), input, this.#openOptions(signal));
      return await this.#encoder.encodeFrame(frame, contentType);
    } finally {
      if (!passedOn) await file.close();
    }
  }

  #slot(index: number): CameraSlot {
    if (!Number.isInteger(index) || index < 0 || index > MAX_CAMERA_INDEX) {
      throw new AppError('CAMERA.NOT_FOUND', `There is no camera ${index}.`, {
        hint: `Cameras are numbered from 0 to ${MAX_CAMERA_INDEX}.`,
      });
    }
    const slot = this.#slots.get(index) ?? this.#newSlot(index);
    this.#slots.set(index, slot);
    return slot;
  }

  #newSlot(index: number): CameraSlot {
    const source = cameraSource(index, this.#options.cameras[index]);
    const frameSource = (): Promise<FrameSource> => this.#source();
    if (source.kind === 'file') {
      const video = new LoopedVideo(source.path, frameSource);
      return {
        busy: false,
        nextFrame: (signal) => video.nextFrame(this.#openOptions(signal)),
        close: () => Promise.resolve(),
      };
    }
    const camera = new Camera({ ...this.#options, source, frameSource });
    return { busy: false, nextFrame: (signal) => camera.nextFrame(signal), close: () => camera.close() };
  }

  #source(): Promise<FrameSource> {
    this.#frameSource ??= this.loadSource();
    return this.#frameSource;
  }

  #openOptions(signal: AbortSignal) {
    const { openTimeoutMs, resolution } = this.#options;
    return { signal, timeoutMs: openTimeoutMs, ...(resolution === undefined ? {} : { resolution }) };
  }

  #signal(asked: AbortSignal | undefined): AbortSignal {
    return asked === undefined ? this.#closed.signal : AbortSignal.any([asked, this.#closed.signal]);
  }
}

async function isReadable(path: string): Promise<boolean> {
  try {
    await access(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
