import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { AppError } from '#libs/runtime';
import { MAX_FRAME_PIXELS } from './capture-limits.js';
import { deviceName } from './device-name.js';
import { FILE_FORMATS, FILE_PROTOCOLS } from './file-formats.js';
import type { CameraDevice, DecodedFrame, FrameInput, FrameSource, OpenFrames, OpenOptions } from './frame-source.js';
import { inputError } from './input-error.js';
import { listDeviceFiles } from './linux-cameras.js';
import { readPpmFrames } from './ppm.js';

/** Where a child process finds the file that it is given open. */
const FILE_DESCRIPTOR = 3;

/** How much of what the program says is kept for the log. */
const MAX_COMPLAINT_LENGTH = 2_000;

/** Decodes with the system's `ffmpeg` program, one process an open input. */
export class FfmpegFrameSource implements FrameSource {
  readonly name = 'ffmpeg';

  constructor(private readonly program: string) {}

  /** @throws {@link AppError} `CAPTURE.BACKEND_MISSING` where the program is not installed. */
  static async load(program = 'ffmpeg'): Promise<FfmpegFrameSource> {
    const child = spawn(program, ['-version'], { stdio: 'ignore' });
    try {
      await once(child, 'close');
    } catch (cause) {
      throw new AppError('CAPTURE.BACKEND_MISSING', 'The program ffmpeg is not installed.', {
        hint: 'Install it (apt install ffmpeg, brew install ffmpeg), or set CAPTURE_BACKEND=node-av.',
        cause,
      });
    }
    return new FfmpegFrameSource(program);
  }

  async open(input: FrameInput, options: OpenOptions): Promise<OpenFrames> {
    if (input.kind === 'device' && process.platform === 'linux') await requireDevice(input);
    const child = spawn(this.program, ffmpegArguments(input, options), {
      stdio: ['ignore', 'pipe', 'pipe', ...(input.kind === 'file' ? [input.file.handle.fd] : [])],
    });
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) throw new Error('ffmpeg was started without pipes');
    const frames = new FfmpegFrames(child, stdout, stderr, input);
    const giveUp = (): void => void frames.close();
    options.signal.addEventListener('abort', giveUp, { once: true });
    try {
      options.signal.throwIfAborted();
      await frames.opened();
      return frames;
    } catch (error) {
      await frames.close();
      throw error;
    } finally {
      options.signal.removeEventListener('abort', giveUp);
    }
  }

  listDevices(): Promise<CameraDevice[]> {
    return listDeviceFiles();
  }
}

/** The whole command line; it passes no shell. */
function ffmpegArguments(input: FrameInput, { resolution, timeoutMs }: Omit<OpenOptions, 'signal'>): string[] {
  return [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-max_pixels', String(MAX_FRAME_PIXELS)],
    ...inputArguments(input, { resolution, timeoutUs: String(timeoutMs * 1_000) }),
    ...['-map', '0:v:0', '-pix_fmt', 'rgb24', '-c:v', 'ppm', '-f', 'image2pipe', 'pipe:1'],
  ];
}

function inputArguments(
  input: FrameInput,
  { resolution, timeoutUs }: { resolution: OpenOptions['resolution'] | undefined; timeoutUs: string },
): string[] {
  switch (input.kind) {
    case 'device': {
      const size = resolution === undefined ? [] : ['-video_size', `${resolution.width}x${resolution.height}`];
      return ['-f', deviceFormat(), ...size, '-i', deviceName(input.device)];
    }
    case 'test':
      return ['-f', 'lavfi', '-i', `${input.graph},realtime`];
    case 'stream':
      return /^rtsp/i.test(input.url)
        ? ['-rtsp_transport', 'tcp', '-timeout', timeoutUs, '-i', input.url]
        : ['-rw_timeout', timeoutUs, '-i', input.url];
    case 'file':
      return [
        ...['-protocol_whitelist', FILE_PROTOCOLS, '-format_whitelist', FILE_FORMATS],
        ...['-ss', (input.startMs / 1_000).toFixed(3)],
        ...['-i', process.platform === 'linux' ? `/proc/self/fd/${FILE_DESCRIPTOR}` : input.file.path],
      ];
  }
}

/** FFmpeg's name for the way to the cameras of each system. */
function deviceFormat(): string {
  switch (process.platform) {
    case 'darwin':
      return 'avfoundation';
    case 'win32':
      return 'dshow';
    default:
      return 'v4l2';
  }
}

async function requireDevice(input: FrameInput & { kind: 'device' }): Promise<void> {
  try {
    await access(deviceName(input.device));
  } catch (cause) {
    throw inputError(input, { errno: 2, cause });
  }
}

/** One running program. */
class FfmpegFrames implements OpenFrames {
  readonly frames: AsyncGenerator<DecodedFrame, undefined>;
  readonly #ended: Promise<unknown>;
  #complaint = '';

  constructor(
    private readonly child: ChildProcess,
    private readonly stdout: Readable,
    stderr: Readable,
    private readonly input: FrameInput,
  ) {
    this.#ended = new Promise((resolve) => child.once('close', resolve));
    child.on('error', (error) => {
      this.#complaint += error.message;
    });
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-MAX_COMPLAINT_LENGTH);
    });
    this.frames = this.#decodedFrames();
  }

  /** Waits for the first byte of a frame, or for an end that tells why there is none. */
  async opened(): Promise<void> {
    const readable = new Promise<boolean>((resolve) => {
      this.stdout.once('readable', () => {
        resolve(this.stdout.readableLength > 0);
      });
      this.stdout.once('close', () => {
        resolve(false);
      });
    });
    if (await readable) return;
    await this.#ended;
    const { exitCode } = this.child;
    // Success without a frame is no failure to open: a video that is over at the time asked for.
    if (exitCode === 0) return;
    throw inputError(this.input, {
      // Newer versions exit with FFmpeg's code, a negated system error number; older ones with 1.
      errno: exitCode === null || exitCode < 2 ? undefined : 256 - exitCode,
      cause: new Error(`ffmpeg exited with ${exitCode}: ${this.#withoutAddress()}`),
    });
  }

  async close(): Promise<void> {
    this.child.kill('SIGKILL');
    this.stdout.destroy();
    await this.#ended;
  }

  async *#decodedFrames(): AsyncGenerator<DecodedFrame, undefined> {
    for await (const frame of readPpmFrames(this.stdout, MAX_FRAME_PIXELS)) {
      yield { read: () => Promise.resolve(frame) };
    }
  }

  /** What the program said; it repeats its input, and a stream's address can hold a password. */
  #withoutAddress(): string {
    return this.input.kind === 'stream' ? this.#complaint.replaceAll(this.input.url, '…') : this.#complaint;
  }
}
