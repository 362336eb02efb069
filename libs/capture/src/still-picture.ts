import { Readable } from 'node:stream';
import type { MediaFile } from './media-file.js';

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

type Facts = Pick<StillPicture, 'contentType' | 'width' | 'height'>;

/** A picture whose bytes are in memory. */
export function bufferPicture(bytes: Buffer, facts: Facts): StillPicture {
  return {
    ...facts,
    sizeBytes: bytes.length,
    stream: () => Readable.from([bytes], { objectMode: false }),
    close: () => Promise.resolve(),
  };
}

/** A picture whose bytes are those of an open file, which the picture now owns. */
export function filePicture(file: MediaFile, facts: Facts): StillPicture {
  return {
    ...facts,
    sizeBytes: file.sizeBytes,
    // Ends where the file ended when it was checked, so that the size stays true while the file grows.
    stream: () => file.handle.createReadStream({ start: 0, end: file.sizeBytes - 1, autoClose: false }),
    close: () => file.close(),
  };
}
