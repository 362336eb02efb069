import { AppError } from '#libs/runtime';
import { MAX_FRAME_PIXELS } from './capture-limits.js';
import type {
  CameraDevice,
  DecodedFrame,
  Frame,
  FrameInput,
  FrameSource,
  OpenFrames,
  OpenOptions,
} from './frame-source.js';
import { inputError } from './input-error.js';
import { listDeviceFiles } from './linux-cameras.js';
import { frameTooLarge } from './oversize.js';

/** The part of a matrix of `@u4/opencv4nodejs` that is used here. */
export interface OpenCvMat {
  readonly empty: boolean;
  readonly rows: number;
  readonly cols: number;
  cvtColorAsync(code: number): Promise<OpenCvMat>;
  getDataAsync(): Promise<Buffer>;
  release(): void;
}

/** The part of a capture of `@u4/opencv4nodejs` that is used here. */
export interface OpenCvCapture {
  readAsync(): Promise<OpenCvMat>;
  set(property: number, value: number): boolean;
  release(): void;
}

/**
 * The part of `@u4/opencv4nodejs` that is used here; the package is not a dependency, so its own types are not at hand.
 *
 * @see https://github.com/UrielCh/opencv4nodejs
 */
export interface OpenCv {
  readonly VideoCapture: new (source: number | string) => OpenCvCapture;
  readonly COLOR_BGR2RGB: number;
  readonly CAP_PROP_POS_MSEC: number;
  readonly CAP_PROP_FRAME_WIDTH: number;
  readonly CAP_PROP_FRAME_HEIGHT: number;
}

/** The maintained successor of `opencv4nodejs`, which no longer installs. */
export const OPENCV_PACKAGE = '@u4/opencv4nodejs';

/** Decodes with OpenCV, where its Node package was installed by hand. */
export class OpenCvFrameSource implements FrameSource {
  readonly name = 'opencv';

  constructor(private readonly cv: OpenCv) {}

  /** @throws {@link AppError} `CAPTURE.BACKEND_MISSING` where the package is not installed. */
  static async load(load: () => Promise<unknown> = () => import(OPENCV_PACKAGE)): Promise<OpenCvFrameSource> {
    let loaded: unknown;
    try {
      loaded = await load();
    } catch (cause) {
      throw missing('is not installed', cause);
    }
    // A CommonJS package: its exports are the default, or a field "default" or "cv" within them.
    for (const candidate of [loaded, field(loaded, 'default'), field(field(loaded, 'default'), 'cv')]) {
      if (isOpenCv(candidate)) return new OpenCvFrameSource(candidate);
    }
    throw missing('lacks video capture');
  }

  open(input: FrameInput, { resolution, signal }: OpenOptions): Promise<OpenFrames> {
    return new Promise((resolve) => {
      signal.throwIfAborted();
      if (input.kind === 'test') {
        throw new AppError('CAMERA.FAILED', 'OpenCV has no FFmpeg test sources.', {
          hint: 'Use CAPTURE_BACKEND=node-av or ffmpeg for a test source.',
        });
      }
      const capture = this.#capture(input);
      if (input.kind === 'device' && resolution !== undefined) {
        capture.set(this.cv.CAP_PROP_FRAME_WIDTH, resolution.width);
        capture.set(this.cv.CAP_PROP_FRAME_HEIGHT, resolution.height);
      }
      if (input.kind === 'file' && input.startMs > 0) capture.set(this.cv.CAP_PROP_POS_MSEC, input.startMs);
      resolve(new OpenCvFrames(this.cv, capture));
    });
  }

  listDevices(): Promise<CameraDevice[]> {
    return listDeviceFiles();
  }

  #capture(input: Exclude<FrameInput, { kind: 'test' }>): OpenCvCapture {
    const source = input.kind === 'device' ? input.device : input.kind === 'stream' ? input.url : input.file.path;
    try {
      return new this.cv.VideoCapture(source);
    } catch (cause) {
      // OpenCV does not say why, and its message may repeat an address with a password.
      throw inputError(input, { cause: input.kind === 'stream' ? undefined : cause });
    }
  }
}

class OpenCvFrames implements OpenFrames {
  readonly frames: AsyncGenerator<DecodedFrame, undefined>;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly cv: OpenCv,
    private readonly capture: OpenCvCapture,
  ) {
    this.frames = this.#decodedFrames();
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    // A read that is under way uses the capture in another thread: it ends first.
    await this.frames.return(undefined);
    this.capture.release();
  }

  async *#decodedFrames(): AsyncGenerator<DecodedFrame, undefined> {
    while (this.#closing === undefined) {
      const mat = await this.capture.readAsync();
      try {
        if (mat.empty) return;
        yield { read: () => this.#read(mat) };
      } finally {
        mat.release();
      }
    }
  }

  async #read(mat: OpenCvMat): Promise<Frame> {
    const { cols: width, rows: height } = mat;
    if (width * height > MAX_FRAME_PIXELS) throw frameTooLarge({ width, height });
    const rgb = await mat.cvtColorAsync(this.cv.COLOR_BGR2RGB);
    try {
      return { width, height, rgb: await rgb.getDataAsync() };
    } finally {
      rgb.release();
    }
  }
}

function isOpenCv(candidate: unknown): candidate is OpenCv {
  return typeof field(candidate, 'VideoCapture') === 'function';
}

function field(value: unknown, name: string): unknown {
  return (typeof value === 'object' || typeof value === 'function') && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

function missing(why: string, cause?: unknown): AppError {
  return new AppError('CAPTURE.BACKEND_MISSING', `The package ${OPENCV_PACKAGE} ${why}.`, {
    hint:
      'It is compiled on the device: apt install libopencv-dev build-essential, then ' +
      `OPENCV4NODEJS_DISABLE_AUTOBUILD=1 npm install ${OPENCV_PACKAGE}; or leave CAPTURE_BACKEND unset.`,
    cause,
  });
}
