import { Readable, Transform } from 'node:stream';
import type { BlobStorage, StagedBlob } from '#libs/blob-storage';
import { AppError } from '#libs/runtime';
import type { Request } from 'express';
import type { StorageEngine } from 'multer';
import { sendProblem } from '../../../http/send-problem.js';
import { contentTypeOf, TYPE_PROBE_BYTES } from '../../../images/content-type.js';
import { peek } from './peek.js';
import { uploadTooLarge } from './upload.guard.js';

/** A file of a form whose bytes are staged in the storage. */
export interface StagedFile {
  staged: StagedBlob;
  contentType: string;
}

/**
 * Passes a file of a form on to the storage while it arrives, under the name that the query gives. It is committed by
 * the route, after the whole form has been read; a form that breaks off leaves nothing.
 */
export class StagedBlobEngine implements StorageEngine {
  constructor(
    private readonly storage: BlobStorage,
    private readonly maxBytes: number,
  ) {}

  _handleFile(
    request: Request,
    file: Express.Multer.File,
    callback: (error?: unknown, info?: Partial<Express.Multer.File & StagedFile>) => void,
  ): void {
    this.stage(request, file).then(
      (info) => {
        callback(null, info);
      },
      (error: unknown) => {
        // What is left of the file must flow away, or the form never ends.
        file.stream.resume();
        // Multer reads the form to its end before it says so, however much that is.
        if (error instanceof AppError && error.code === 'REQUEST.TOO_LARGE' && request.res)
          sendProblem(request.res, error);
        callback(error);
      },
    );
  }

  /** Staged blocks that nobody commits are dropped by the storage. */
  _removeFile(_request: Request, _file: Express.Multer.File, callback: (error: Error | null) => void): void {
    callback(null);
  }

  private async stage(request: Request, file: Express.Multer.File): Promise<StagedFile> {
    const gone = new AbortController();
    const onClose = (): void => {
      if (!request.readableEnded) gone.abort();
    };
    request.once('close', onClose);
    try {
      // Iterating would destroy the form's own stream on a failure, which multer still has to drain.
      const { head, whole } = await peek(file.stream.pipe(limit(file.stream, this.maxBytes)), TYPE_PROBE_BYTES);
      // The guard has found the name to be valid.
      const staged = await this.storage.stage(request.query.blob_name as string, whole, { signal: gone.signal });
      return { staged, contentType: contentTypeOf(head, file.mimetype) };
    } finally {
      request.off('close', onClose);
    }
  }
}

/** Counts the bytes of a file, fails beyond the limit, and passes on a failure of the source, which a pipe does not. */
function limit(source: Readable, maxBytes: number): Transform {
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(uploadTooLarge(maxBytes));
      else done(null, chunk);
    },
  });
  source.once('error', (error) => counter.destroy(error));
  source.once('close', () => {
    if (!source.readableEnded) counter.destroy();
  });
  return counter;
}
