import { AppError } from '#libs/runtime';
import type { MessagePosition } from './telemetry-message.js';

const ENQUEUED_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;
const MAX_ID_LENGTH = 255;

/** Says where the next page begins: after the last message of this one, whatever arrives meanwhile. */
export function writeContinuationToken({ enqueuedTime, id }: MessagePosition): string {
  return Buffer.from(JSON.stringify([enqueuedTime, id])).toString('base64url');
}

/** @throws {@link AppError} `REQUEST.INVALID` for anything but a token of {@link writeContinuationToken}. */
export function readContinuationToken(token: string): MessagePosition {
  const [enqueuedTime, id, ...rest] = parse(token);
  if (
    typeof enqueuedTime === 'string' &&
    ENQUEUED_TIME.test(enqueuedTime) &&
    !Number.isNaN(Date.parse(enqueuedTime)) &&
    typeof id === 'string' &&
    id.length <= MAX_ID_LENGTH &&
    rest.length === 0
  )
    return { enqueuedTime, id };
  const problem = 'continuation_token must be one that an earlier page gave';
  throw new AppError('REQUEST.INVALID', problem, { details: { problems: [problem] } });
}

function parse(token: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    return Array.isArray(value) ? (value as unknown[]) : [];
  } catch {
    return [];
  }
}
