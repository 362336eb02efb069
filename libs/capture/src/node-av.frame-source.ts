import { setTimeout as wait } from 'node:timers/promises';
import type { Decoder, FormatContext, Frame as AvFrame, Packet, Scaler, Stream } from 'node-av';
import { AppError } from '#libs/runtime';
import { MAX_FRAME_PIXELS } from './capture-limits.js';
import { FILE_FORMATS, FILE_PROTOCOLS } from './file-formats.js';
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
import { deviceName } from './device-name.js';
import { frameTooLarge } from './oversize.js';

type NodeAv = typeof import('node-av');

/** How long a camera that has no frame yet is left alone, as FFmpeg's own program does. */
const NOT_READY_MS = 10;

/** Decodes with FFmpeg inside this process, through the package `node-av`. */
export class NodeAvFrameSource implements FrameSource {
  readonly name = 'node-av';

  constructor(private readonly av: NodeAv) {
    // FFmpeg writes to stderr by itself, and what it writes can hold a stream's password.
    av.Log.setLevel(av.AV_LOG_QUIET);
  }

  /** @throws {@link AppError} `CAPTURE.BACKEND_MISSING` where the package has no binary for this system. */
  static async load(): Promise<NodeAvFrameSource> {
    let av: NodeAv;
    try {
      av = await import('node-av');
    } catch (cause) {
      throw new AppError('CAPTURE.BACKEND_MISSING', 'node-av does not run on this system.', {
        hint: 'Install FFmpeg (apt install ffmpeg) and set CAPTURE_BACKEND=ffmpeg.',
        cause,
      });
    }
    return new NodeAvFrameSource(av);
  }

  async open(input: FrameInput, options: OpenOptions): Promise<OpenFrames> {
    const context = await this.#openContext(input, options);
    try {
      const stream = context.streams.find(({ codecpar }) => codecpar.codecType === this.av.AVMEDIA_TYPE_VIDEO);
      if (stream === undefined) throw inputError(input, {});
      const { width, height } = stream.codecpar;
      if (width * height > MAX_FRAME_PIXELS) throw frameTooLarge({ width, height });
      if (input.kind === 'file' && input.startMs > 0) {
        await context.seekFrame(-1, BigInt(input.startMs) * 1_000n, this.av.AVSEEK_FLAG_BACKWARD);
      }
      // One thread: frame threads would hold back as many frames as there are threads.
      const decoder = await this.av.Decoder.create(stream, {
        threadCount: 1,
        exitOnError: false,
        options: { max_pixels: MAX_FRAME_PIXELS },
      });
      return new NodeAvFrames(this.av, { context, decoder, stream }, input.kind === 'file' ? input.startMs : undefined);
    } catch (error) {
      await context.closeInput();
      throw error instanceof AppError ? error : inputError(input, { cause: error });
    }
  }

  async listDevices(): Promise<CameraDevice[]> {
    const devices = await this.av.DeviceAPI.list();
    return devices
      .filter(({ type }) => type === 'video')
      .map(({ name, description }, position) => ({
        // On Linux the list comes in no order, and its names are the device files.
        number: Number(/^\/dev\/video(\d+)$/.exec(name)?.[1] ?? position),
        name: description || name,
      }))
      .sort((left, right) => left.number - right.number);
  }

  /** The package's own `Demuxer.open` makes a context that cannot be interrupted while the network is silent. */
  async #openContext(input: FrameInput, { signal, ...options }: OpenOptions): Promise<FormatContext> {
    const { AVFMT_FLAG_NONBLOCK, Dictionary, FFmpegError, FormatContext, InputFormat } = this.av;
    const { url, format, settings } = this.#address(input, options);
    const context = new FormatContext();
    context.allocContext();
    context.setFlags(AVFMT_FLAG_NONBLOCK);
    const dictionary = Dictionary.fromObject(settings);
    const interrupt = (): void => {
      context.interrupt();
    };
    signal.addEventListener('abort', interrupt, { once: true });
    try {
      const opened = await context.openInput(
        url,
        format === undefined ? null : InputFormat.findInputFormat(format),
        dictionary,
      );
      const status = opened < 0 ? opened : await context.findStreamInfo(null);
      // FFmpeg's codes are system error numbers, negated.
      if (status < 0) throw inputError(input, { errno: -status, cause: new FFmpegError(status) });
      return context;
    } catch (error) {
      await context.closeInput();
      throw error;
    } finally {
      signal.removeEventListener('abort', interrupt);
      dictionary.free();
    }
  }

  #address(
    input: FrameInput,
    { resolution, timeoutMs }: Omit<OpenOptions, 'signal'>,
  ): { url: string; format?: string; settings: Record<string, string> } {
    const timeoutUs = String(timeoutMs * 1_000);
    switch (input.kind) {
      case 'device': {
        const size = resolution === undefined ? {} : { video_size: `${resolution.width}x${resolution.height}` };
        return { url: deviceName(input.device), format: this.av.Device.getVideoFormat(), settings: size };
      }
      case 'test':
        return { url: `${input.graph},realtime`, format: 'lavfi', settings: {} };
      case 'stream': {
        const isRtsp = /^rtsp/i.test(input.url);
        return {
          url: input.url,
          settings: isRtsp ? { rtsp_transport: 'tcp', timeout: timeoutUs } : { rw_timeout: timeoutUs },
        };
      }
      case 'file':
        return {
          url: input.file.path,
          settings: { protocol_whitelist: FILE_PROTOCOLS, format_whitelist: FILE_FORMATS },
        };
    }
  }
}

/** One open input. Reads packet by packet: the package's own loops end silently where a read or the decoder fails. */
class NodeAvFrames implements OpenFrames {
  readonly frames: AsyncGenerator<DecodedFrame, undefined>;
  readonly #context: FormatContext;
  readonly #decoder: Decoder;
  readonly #stream: Stream;
  readonly #scaler: Scaler;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly av: NodeAv,
    { context, decoder, stream }: { context: FormatContext; decoder: Decoder; stream: Stream },
    private readonly startMs: number | undefined,
  ) {
    this.#context = context;
    this.#decoder = decoder;
    this.#stream = stream;
    this.#scaler = new av.Scaler();
    this.frames = this.#decodedFrames();
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    this.#context.interrupt();
    await this.frames.return(undefined);
    this.#scaler.close();
    this.#decoder.close();
    await this.#context.closeInput();
  }

  async *#decodedFrames(): AsyncGenerator<DecodedFrame, undefined> {
    const packet = new this.av.Packet();
    packet.alloc();
    try {
      for (;;) {
        const more = await this.#readPacket(packet);
        const frames = await this.#decoder.decodeAll(more ? packet : null);
        packet.unref();
        try {
          for (const frame of frames) if (this.#isDue(frame)) yield { read: () => this.#read(frame) };
        } finally {
          for (const frame of frames) frame.free();
        }
        if (!more) return;
      }
    } finally {
      packet.free();
    }
  }

  /** Whether there was another packet of the picture. A read that fails is an end, as for FFmpeg's own program. */
  async #readPacket(packet: Packet): Promise<boolean> {
    while (this.#closing === undefined) {
      const status = await this.#context.readFrame(packet);
      if (status === this.av.AVERROR_EAGAIN) await wait(NOT_READY_MS);
      else if (status < 0) return false;
      else if (packet.streamIndex === this.#stream.index) return true;
      else packet.unref();
    }
    return false;
  }

  /** Seeking ends at the key frame before the wanted time; the frames up to there are only decoded. */
  #isDue(frame: AvFrame): boolean {
    if (this.startMs === undefined || frame.pts === this.av.AV_NOPTS_VALUE) return true;
    const { num, den } = this.#stream.timeBase;
    const startTime = this.#stream.startTime === this.av.AV_NOPTS_VALUE ? 0n : this.#stream.startTime;
    return (Number(frame.pts - startTime) * num * 1_000) / den >= this.startMs - 1;
  }

  async #read(frame: AvFrame): Promise<Frame> {
    const { width, height } = frame;
    if (width * height > MAX_FRAME_PIXELS) throw frameTooLarge({ width, height });
    const rgb = await this.#scaler.toBuffer(frame, { format: 'rgb' });
    return { width, height, rgb, turnDegrees: this.#turnDegrees() };
  }

  /** @see https://ffmpeg.org/doxygen/trunk/group__lavu__video__display.html */
  #turnDegrees(): number {
    const matrix = this.#stream.codecpar.getCodedSideData(this.av.AV_PKT_DATA_DISPLAYMATRIX);
    if (matrix === null) return 0;
    const degrees = (Math.atan2(matrix.readInt32LE(4), matrix.readInt32LE(0)) * 180) / Math.PI;
    return Math.round(degrees / 90) * 90;
  }
}
