import { type BlobProperties, BlobStorage } from '#libs/blob-storage';
import { AppError } from '#libs/runtime';
import { Injectable, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { clientGone } from '../../../http/client-gone.js';
import { parseByteRange } from './byte-range.js';
import { contentDisposition } from './content-disposition.js';
import { sendPaced } from './send-paced.js';

/** Headers that a request can only be answered by with the blob's properties at hand. */
const CONDITIONAL_HEADERS = ['range', 'if-none-match', 'if-modified-since'] as const;

/** Answers requests with blobs: streamed, by ranges, or "not modified". */
@Injectable()
export class BlobSender {
  private readonly logger = new Logger(BlobSender.name);

  constructor(private readonly storage: BlobStorage) {}

  /** Answers GET and HEAD. `typeOf` may refuse a blob, or say better what it is. */
  async send(
    name: string,
    response: Response,
    typeOf: (properties: BlobProperties, signal: AbortSignal) => string | Promise<string> = ({ contentType }) =>
      contentType,
  ): Promise<void> {
    const { req: request } = response;
    const signal = clientGone(response);
    try {
      if (request.method !== 'HEAD' && CONDITIONAL_HEADERS.every((header) => request.headers[header] === undefined)) {
        const { properties, body } = await this.storage.download(name, { signal });
        try {
          describe(response, properties, await typeOf(properties, signal));
          response.setHeader('Content-Length', properties.sizeBytes);
          await sendPaced(body, response);
        } finally {
          body.destroy();
        }
        return;
      }
      const properties = await this.storage.head(name, { signal });
      describe(response, properties, await typeOf(properties, signal));
      await this.sendKnown(properties, request, response, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
      this.logger.debug('The client left before it had the whole blob.');
    }
  }

  private async sendKnown(
    { name, sizeBytes, etag }: BlobProperties,
    request: Request,
    response: Response,
    signal: AbortSignal,
  ): Promise<void> {
    if (request.fresh) {
      response.status(304).removeHeader('Content-Disposition');
      response.end();
      return;
    }
    const range = parseByteRange(rangeHeader(request, etag), sizeBytes);
    if (range === 'unsatisfiable') {
      response.setHeader('Content-Range', `bytes */${sizeBytes}`);
      throw new AppError('BLOB.RANGE_NOT_SATISFIABLE', 'The range lies beyond the end of the blob.');
    }
    if (range) {
      response.status(206);
      response.setHeader('Content-Range', `bytes ${range.offset}-${range.offset + range.count - 1}/${sizeBytes}`);
    }
    response.setHeader('Content-Length', range?.count ?? sizeBytes);
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    const { body } = await this.storage.download(name, { range, ifMatch: etag, signal });
    await sendPaced(body, response);
  }
}

/** The range counts only for GET, and for the version that `If-Range` names. */
function rangeHeader({ method, headers }: Request, etag: string): string | undefined {
  const ifRange = headers['if-range'];
  return method === 'GET' && (ifRange === undefined || ifRange === etag) ? headers.range : undefined;
}

/** The headers that GET and HEAD have alike. */
export function describe(response: Response, { name, etag, lastModified }: BlobProperties, contentType: string): void {
  response.setHeader('Content-Type', contentType);
  response.setHeader('Content-Disposition', contentDisposition(name, contentType));
  // Whatever a blob holds, it never acts as a page of this API.
  response.setHeader('Content-Security-Policy', "default-src 'none'; sandbox");
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('Cache-Control', 'private, no-cache');
  response.setHeader('ETag', etag);
  response.setHeader('Last-Modified', lastModified.toUTCString());
  // By its standard, fetch sends `no-cache` with every If-None-Match. That is meant for caches; the storage has been asked.
  delete response.req.headers['cache-control'];
}
