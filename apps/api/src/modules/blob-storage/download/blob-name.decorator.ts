import { AppError } from '#libs/runtime';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';

/**
 * The blob name in the path, exactly as it was meant: read from the raw path, since a router that splits and decodes
 * it cannot tell every slash. `prefix` is what stands before it, such as `/blob_storage/`.
 */
export const BlobName = createParamDecorator((prefix: string, context: ExecutionContext): string => {
  const { path } = context.switchToHttp().getRequest<Request>();
  try {
    return decodeURIComponent(path.slice(prefix.length));
  } catch {
    throw new AppError('BLOB.NAME_INVALID', 'The blob name is not percent-encoded UTF-8.');
  }
});
