import type { CameraSource } from './camera-source.js';
import type { MediaFile } from './media-file.js';

/** One decoded frame. */
export interface Frame {
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** Red, green, blue, one byte each; rows follow each other without padding. */
  readonly rgb: Buffer;
  /** How far to turn it clockwise to have it upright, in degrees, where the decoder has not done so: phones film that way. */
  readonly turnDegrees?: number;
}

/** A frame that is still the decoder's; it can be read until the next one is asked for. */
export interface DecodedFrame {
  read(): Promise<Frame>;
}

/** What frames are read from: a camera that goes on until it is closed, or a file that ends. */
export type FrameInput =
  | Exclude<CameraSource, { kind: 'file' }>
  | {
      readonly kind: 'file';
      readonly file: MediaFile;
      /** Where to begin, in milliseconds from the start of the video. */
      readonly startMs: number;
    };

/** How an input is opened. */
export interface OpenOptions {
  /** Asked of a camera that has several modes. */
  readonly resolution?: { readonly width: number; readonly height: number };
  /** How long the network may be silent. */
  readonly timeoutMs: number;
  /** Aborted when nobody waits for the opening any more. */
  readonly signal: AbortSignal;
}

/** An input that is open. */
export interface OpenFrames {
  /** May be iterated once. Ends when the input ends or was closed. */
  readonly frames: AsyncIterable<DecodedFrame>;
  /** Ends the iteration, even one that waits for a frame, and releases the input. May be called twice. */
  close(): Promise<void>;
}

/** A camera of this machine. */
export interface CameraDevice {
  /** The number it is opened by. */
  readonly number: number;
  readonly name: string;
}

/** A library that decodes cameras and videos. */
export interface FrameSource {
  readonly name: 'node-av' | 'ffmpeg' | 'opencv';
  /** Opens an input; fails with an `AppError` of a code in `CAPTURE_ERROR_STATUS`. */
  open(input: FrameInput, options: OpenOptions): Promise<OpenFrames>;
  /** The machine's own cameras, by number. */
  listDevices(): Promise<CameraDevice[]>;
}
