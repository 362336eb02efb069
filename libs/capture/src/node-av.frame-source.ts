import { setTimeout as wait } from 'node:timers/promises';
import type { Decoder, Demuxer, Frame as AvFrame, Packet, Scaler, Stream } from 'node-av';
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
import { frameTooLarge } from './oversize.js';

export type NodeAv = typeof import('node-av');

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
    const demuxer = await this.#demuxer(input, options);
    let decoder: Decoder | undefined;
    try {
      const stream = demuxer.video();
      if (stream === undefined) throw inputError(input, {});
      const { width, height } = stream.codecpar;
      if (width * height > MAX_FRAME_PIXELS) throw frameTooLarge({ width, height });
      // One thread: frame threads would hold back as many frames as there are threads.
      decoder = await this.av.Decoder.create(stream, {
        threadCount: 1,
        exitOnError: false,
        options: { max_pixels: MAX_FRAME_PIXELS },
      });
      if (input.kind === 'file' && input.startMs > 0) {
        await demuxer.seek(input.startMs / 1_000, -1, this.av.AVSEEK_FLAG_BACKWARD);
      }
      return new NodeAvFrames(this.av, demuxer, decoder, stream, input.kind === 'file' ? input.startMs : undefined);
    } catch (error) {
      decoder?.close();
      await demuxer.close();
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

  async #demuxer(input: FrameInput, { resolution, timeoutMs }: OpenOptions): Promise<Demuxer> {
    const { Demuxer, DeviceAPI } = this.av;
    const timeoutUs = String(timeoutMs * 1_000);
    try {
      switch (input.kind) {
        case 'device':
          return await DeviceAPI.openCamera({ videoDevice: input.device, ...resolution });
        case 'test':
          return await Demuxer.open(`${input.graph},realtime`, { format: 'lavfi' });
        case 'stream':
          return await Demuxer.open(input.url, {
            options: /^rtsp/i.test(input.url)
              ? { rtsp_transport: 'tcp', timeout: timeoutUs }
              : { rw_timeout: timeoutUs },
          });
        case 'file':
          return await Demuxer.open(input.file.path, {
            options: { protocol_whitelist: FILE_PROTOCOLS, format_whitelist: FILE_FORMATS },
          });
      }
    } catch (cause) {
      throw inputError(input, {
        // FFmpeg's codes are system error numbers, negated.
        errno: cause instanceof this.av.FFmpegError ? -cause.code : undefined,
        cause,
      });
    }
  }
}

/** One open input. Reads packet by packet: the package's own loops end silently where a read or the decoder fails. */
class NodeAvFrames implements OpenFrames {
  readonly frames: AsyncGenerator<DecodedFrame, undefined>;
  readonly #scaler: Scaler;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly av: NodeAv,
    private readonly demuxer: Demuxer,
    private readonly decoder: Decoder,
    private readonly stream: Stream,
    private readonly startMs: number | undefined,
  ) {
    this.#scaler = new av.Scaler();
    this.frames = this.#decodedFrames();
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    this.demuxer.interrupt();
    await this.frames.return(undefined);
    this.#scaler.close();
    this.decoder.close();
    await this.demuxer.close();
  }

  async *#decodedFrames(): AsyncGenerator<DecodedFrame, undefined> {
    const packet = new this.av.Packet();
    packet.alloc();
    try {
      for (;;) {
        const more = await this.#readPacket(packet);
        const frames = await this.decoder.decodeAll(more ? packet : null);
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
    const context = this.demuxer.getFormatContext();
    while (this.#closing === undefined) {
      const status = await context.readFrame(packet);
      if (status === this.av.AVERROR_EAGAIN) await wait(NOT_READY_MS);
      else if (status < 0) return false;
      else if (packet.streamIndex === this.stream.index) return true;
      else packet.unref();
    }
    return false;
  }

  /** Seeking ends at the key frame before the wanted time; the frames up to there are only decoded. */
  #isDue(frame: AvFrame): boolean {
    if (this.startMs === undefined || frame.pts === this.av.AV_NOPTS_VALUE) return true;
    const { num, den } = this.stream.timeBase;
    const startTime = this.stream.startTime === this.av.AV_NOPTS_VALUE ? 0n : this.stream.startTime;
    return (Number(frame.pts - startTime) * num * 1_000) / den >= this.startMs - 1;
  }

  async #read(frame: AvFrame): Promise<Frame> {
    const { width, height } = frame;
    if (width * height > MAX_FRAME_PIXELS) throw frameTooLarge({ width, height });
    return { width, height, rgb: await this.#scaler.toBuffer(frame, { format: 'rgb' }) };
  }
}
