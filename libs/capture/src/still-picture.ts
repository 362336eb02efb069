import type { Readable } from 'node:stream';

/** The formats that a still picture is encoded in. */
export type PictureType = 'image/jpeg' | 'image/png';

/** An encoded still picture, ready to be stored. Call `close` when done with it: a file may be open behind it. */
export interface StillPicture {
  readonly contentType: PictureType;
  /** Exactly what `stream` yields. */
  readonly sizeBytes: number;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /** The encoded bytes from the beginning; every call gives a fresh stream, so an upload can be tried again. */
  stream(): Readable;
  /** Releases what is behind the picture; streams still open fail. May be called twice. */
  close(): Promise<void>;
}
