import type { ChatCompletionChunk } from '#libs/ai';
import { AppError } from '#libs/runtime';
import type { Response } from 'express';
import { toProblem } from '../../http/send-problem.js';

/** How OpenAI's protocol ends a stream. */
const END = '[DONE]';

/**
 * Answers with server-sent events, one a piece, as OpenAI's own API does, so that its clients can read them. A failure
 * on the way is a last event `error` with the problem's code and hint, since the status has been sent by then.
 */
export async function sendEvents(response: Response, pieces: AsyncIterable<ChatCompletionChunk>): Promise<void> {
  response.status(200);
  response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  response.setHeader('Cache-Control', 'no-cache, no-transform');
  // Proxies of the nginx family would collect the pieces.
  response.setHeader('X-Accel-Buffering', 'no');
  response.flushHeaders();
  try {
    for await (const piece of pieces) response.write(`data: ${JSON.stringify(piece)}\n\n`);
    response.end(`data: ${END}\n\n`);
  } catch (error) {
    const failure =
      error instanceof AppError ? error : new AppError('SERVER.FAILED', 'The API failed.', { cause: error });
    const { code, detail: message, hint, request_id } = toProblem(response.req, failure);
    response.end(`event: error\ndata: ${JSON.stringify({ error: { code, message, hint, request_id } })}\n\n`);
  }
}
