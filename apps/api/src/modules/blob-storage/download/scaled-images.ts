import { buffer } from 'node:stream/consumers';
import { type BlobProperties, BlobStorage } from '#libs/blob-storage';
import { AppError } from '#libs/runtime';
import { Injectable } from '@nestjs/common';
import { ApiConfig } from '../../../api.config.js';
import { isPicture, TYPE_PROBE_BYTES, typeOfBytes } from '../../../images/content-type.js';
import { type Image, scaleImage } from '../../../images/scale-image.js';
import { ByteCappedCache } from './byte-capped-cache.js';

/** Few widths, so that one picture is scaled and kept a few times at most. */
const WIDTHS = [160, 320, 640, 1280, 1920] as const;
/** The largest picture that is read into memory to be scaled. */
const MAX_SOURCE_BYTES = 32 * 1024 * 1024;
const KEPT_TYPES = ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/avif'];

export interface ScaledImage extends Image {
  properties: BlobProperties;
}

/** Stored pictures in smaller widths, kept in memory up to a number of bytes. */
@Injectable()
export class ScaledImages {
  private readonly cache: ByteCappedCache<Image>;
  private readonly inProgress = new Map<string, Promise<Image>>();

  constructor(
    private readonly storage: BlobStorage,
    { blobStorage }: ApiConfig,
  ) {
    this.cache = new ByteCappedCache(blobStorage.imageCacheBytes);
  }

  /**
   * The picture in the next larger of a few widths; its properties carry an ETag of their own.
   *
   * @throws {@link AppError} `BLOB.TOO_LARGE`, `IMAGE.NOT_AN_IMAGE`, `IMAGE.TOO_LARGE`, `IMAGE.BUSY`.
   */
  async scaled(name: string, width: number, signal: AbortSignal): Promise<ScaledImage> {
    const maxWidth = WIDTHS.find((candidate) => candidate >= width) ?? WIDTHS[WIDTHS.length - 1];
    const properties = await this.storage.head(name, { signal });
    const key = `${properties.etag} ${maxWidth} ${name}`;
    const image = this.cache.get(key) ?? (await this.scaleOnce(key, name, maxWidth ?? width));
    const etag = `"${properties.etag.replaceAll('"', '')}-w${maxWidth}"`;
    return { ...image, properties: { ...properties, etag, sizeBytes: image.bytes.length } };
  }

  /** The type of a stored picture: as stored, else by its first bytes. */
  async typeOf({ name, contentType, sizeBytes }: BlobProperties, signal: AbortSignal): Promise<string> {
    if (isPicture(contentType)) return contentType;
    if (sizeBytes > 0) {
      const { body } = await this.storage.download(name, { range: { offset: 0, count: TYPE_PROBE_BYTES }, signal });
      const type = typeOfBytes(await buffer(body));
      if (type?.startsWith('image/')) return type;
    }
    throw new AppError('IMAGE.NOT_AN_IMAGE', 'The blob is not an image.');
  }

  /** Several who ask at once wait for the same work, which goes on when one of them leaves. */
  private scaleOnce(key: string, name: string, maxWidth: number): Promise<Image> {
    const begun = this.inProgress.get(key);
    if (begun) return begun;
    const work = this.scale(name, maxWidth)
      .then((image) => {
        this.cache.set(key, image);
        return image;
      })
      .finally(() => this.inProgress.delete(key));
    this.inProgress.set(key, work);
    return work;
  }

  private scale(name: string, maxWidth: number): Promise<Image> {
    const read = async (): Promise<Buffer> => (await this.storage.read(name, { maxBytes: MAX_SOURCE_BYTES })).content;
    return scaleImage(read, { maxWidth, keep: KEPT_TYPES });
  }
}
