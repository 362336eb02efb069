import { HttpException } from '@nestjs/common';
import type { DirectMethodFailure } from '#libs/contracts';
import { AppError } from '#libs/runtime';
import type { MethodReply } from './device-session.js';

/** The status that a failure's code is answered with. */
export type FailureStatuses = Readonly<Record<string, number>>;

/** This transport's own failures. */
export const TRANSPORT_FAILURE_STATUSES: FailureStatuses = {
  'METHOD.PAYLOAD_INVALID': 400,
  'METHOD.NOT_FOUND': 404,
  'METHOD.TOO_MANY_CALLS': 429,
  'METHOD.REPLY_TOO_LARGE': 500,
  'METHOD.DEVICE_CLOSING': 503,
};

/** What a failed method answers: of an error that is not meant for the caller, nothing but that it happened. */
export function failureReply(
  error: unknown,
  statuses: FailureStatuses,
): MethodReply & { payload: DirectMethodFailure } {
  if (error instanceof AppError) {
    const { code, message, hint, details } = error;
    const problems = details?.problems;
    return {
      status: statuses[code] ?? 500,
      payload: {
        code,
        message,
        ...(hint === undefined ? {} : { hint }),
        ...(Array.isArray(problems) ? { problems: problems.map(String) } : {}),
      },
    };
  }
  if (error instanceof HttpException) {
    return { status: error.getStatus(), payload: { code: 'METHOD.FAILED', message: error.message } };
  }
  return {
    status: 500,
    payload: { code: 'METHOD.FAILED', message: 'The device failed to do it.', hint: 'Its log has the reason.' },
  };
}
