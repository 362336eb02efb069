import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import { AppError } from '#libs/runtime';
import type { Request, Response } from 'express';
import { errorCatalogue, type ErrorCode, findErrorEntry } from './error-catalogue.js';
import { allowedMethods } from './allowed-methods.js';
import { JSON_BODY_LIMIT_BYTES } from './body-limits.js';
import { formProblem, isFormError, unreadableForm } from './form-problem.js';
import { sendProblem } from './send-problem.js';

/** Statuses that Nest, Express and their parsers answer with by themselves, as codes of ours. */
const CODE_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'REQUEST.UNAUTHORIZED',
  404: 'ROUTE.NOT_FOUND',
  405: 'ROUTE.METHOD_NOT_ALLOWED',
  413: 'REQUEST.TOO_LARGE',
  415: 'REQUEST.MEDIA_TYPE_NOT_SUPPORTED',
  429: 'REQUEST.RATE_LIMITED',
};

/** Answers every failure as `application/problem+json`; what is not the caller's doing is logged with its cause. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  /** @param maxFileBytes how large a file of a form may be that is kept in memory */
  constructor(private readonly maxFileBytes: number) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<Request>();
    const response = host.switchToHttp().getResponse<Response>();
    // The client has left: what was done for it was given up on purpose, and nobody reads an answer.
    if (response.destroyed || response.writableEnded) return;
    let error = this.toAppError(exception, request);
    if (error.code === 'ROUTE.NOT_FOUND') {
      const methods = allowedMethods(request);
      if (methods.length > 0) {
        response.setHeader('Allow', methods.join(', '));
        error = new AppError('ROUTE.METHOD_NOT_ALLOWED', `${request.path} supports ${methods.join(', ')}.`);
      }
    }
    const { status } = findErrorEntry(error.code) ?? errorCatalogue['SERVER.FAILED'];
    if (status >= 500) this.logger.error({ err: exception, code: error.code }, error.message);
    if (response.headersSent) {
      // A stream broke halfway: the only honest end is one the client notices.
      response.destroy();
      return;
    }
    sendProblem(response, error);
  }

  /** The failure as one that has a code of ours. */
  private toAppError(exception: unknown, request: Request): AppError {
    if (exception instanceof AppError && findErrorEntry(exception.code)) return exception;
    const status = statusOf(exception);
    if (status === undefined || status >= 500)
      return new AppError('SERVER.FAILED', 'The API failed unexpectedly.', { cause: exception });
    // Nest keeps what Express and its parser threw as the cause.
    const cause = exception instanceof HttpException ? exception.cause : undefined;
    if (cause instanceof URIError)
      return new AppError('REQUEST.NOT_ACCEPTED', 'The URL cannot be decoded: its path is not percent-encoded UTF-8.', {
        hint: 'Percent-encode the URL; % itself is written %25.',
        cause,
      });
    if (isFormError(cause)) return formProblem(cause, this.maxFileBytes);
    if (cause instanceof SyntaxError) return malformedJson(cause);
    if (status === 413) {
      const limit = `JSON may have ${JSON_BODY_LIMIT_BYTES / 1024} KiB`;
      return new AppError('REQUEST.TOO_LARGE', `The request body is larger than the API accepts; ${limit}.`, {
        cause: exception,
      });
    }
    const code = CODE_BY_STATUS[status] ?? (status === 400 ? 'REQUEST.MALFORMED' : 'REQUEST.NOT_ACCEPTED');
    const message = exception instanceof HttpException ? exception.message : `${errorCatalogue[code].title}.`;
    if (code === 'REQUEST.MALFORMED' && request.is('multipart/form-data'))
      return unreadableForm(message.replace(/^Multipart: /, ''), exception);
    return new AppError(code, message, { cause: exception });
  }
}

/** Says where it breaks, without the piece of the body that the parser's own message quotes. */
function malformedJson(cause: SyntaxError): AppError {
  const [place] = /line \d+ column \d+/.exec(cause.message) ?? [];
  const message = `The request body is not well-formed JSON${place ? ` at ${place}` : ''}.`;
  return new AppError('REQUEST.MALFORMED', message, { cause });
}

function statusOf(exception: unknown): number | undefined {
  if (exception instanceof HttpException) return exception.getStatus();
  const status = isRecord(exception) ? exception.status : undefined;
  return typeof status === 'number' ? status : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
