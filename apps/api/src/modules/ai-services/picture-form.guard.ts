import { AppError } from '#libs/runtime';
import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { Request } from 'express';

/** Refuses what is no form, before its fields are missed. */
@Injectable()
export class PictureFormGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    if (request.is('multipart/form-data')) return true;
    throw new AppError('AI.FILE_MISSING', 'The request is no multipart form with a picture in it.');
  }
}
