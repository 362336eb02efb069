import { AppError } from './app-error.js';

/**
 * What a terminal shows of a failure that ends a program: of one of ours the message and the hint, in one line
 * unless the message is a list; of anything else the stack with its causes, and no other field, since errors of SDKs carry credentials.
 */
export function failureText(error: unknown, causesLeft = 5): string {
  if (error instanceof AppError) {
    const { message, hint } = error;
    return [message, hint].filter(Boolean).join(message.includes('\n') ? '\n' : ' ');
  }
  if (!(error instanceof Error)) return `Failed with a value that is no error (${typeof error}).`;
  const text = error.stack ?? error.message;
  if (error.cause === undefined || causesLeft === 0) return text;
  return `${text}\nCaused by: ${failureText(error.cause, causesLeft - 1)}`;
}
