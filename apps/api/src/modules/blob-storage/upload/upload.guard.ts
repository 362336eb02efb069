import { assertNewBlobName, BlobStorage } from '#libs/blob-storage';
import { AppError } from '#libs/runtime';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ApiConfig } from '../../../api.config.js';
import { clientGone } from '../../../http/client-gone.js';
import { createValidationPipe } from '../../../http/validation.pipe.js';
import { UploadBlobParams } from '../dto/upload-blob.query.dto.js';

/** Room for the form around the file. */
const FORM_OVERHEAD_BYTES = 64 * 1024;

/** Answers what can be told before the body is read: a wrong query, a name that is taken, a body that is too large. */
@Injectable()
export class UploadGuard implements CanActivate {
  private readonly validation = createValidationPipe();

  constructor(
    private readonly storage: BlobStorage,
    private readonly config: ApiConfig,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    const { blob_name, overwrite } = await this.paramsOf(request);
    assertNewBlobName(blob_name);
    this.assertSize(request);
    if (!overwrite) await this.assertAbsent(blob_name, clientGone(context.switchToHttp().getResponse<Response>()));
    return true;
  }

  private async paramsOf({ query }: Request): Promise<UploadBlobParams> {
    const params: unknown = await this.validation.transform(query, { type: 'query', metatype: UploadBlobParams });
    return params as UploadBlobParams;
  }

  private assertSize(request: Request): void {
    const { maxUploadBytes } = this.config.blobStorage;
    if (Number(request.headers['content-length'] ?? 0) > maxUploadBytes + FORM_OVERHEAD_BYTES)
      throw uploadTooLarge(maxUploadBytes);
  }

  private async assertAbsent(name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.storage.head(name, { signal });
    } catch (error) {
      if (error instanceof AppError && error.code === 'BLOB.NOT_FOUND') return;
      throw error;
    }
    throw new AppError('BLOB.ALREADY_EXISTS', `A blob of that name exists already.`);
  }
}

/** The refusal of a file of more bytes than the settings allow. */
export function uploadTooLarge(limitBytes: number): AppError {
  return new AppError('REQUEST.TOO_LARGE', `The file is larger than ${limitBytes} bytes.`, {
    details: { limit_bytes: limitBytes },
  });
}
