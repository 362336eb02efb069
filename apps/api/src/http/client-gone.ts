import type { Response } from 'express';

/** A signal that fires when the client leaves before it has the whole answer, so that work for it can stop. */
export function clientGone(response: Response): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}
