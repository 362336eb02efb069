import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';

/** How many downloads move on in one turn of the event loop, each by what its response buffers (64 KiB). */
const DOWNLOADS_A_TURN = 4;

/** Downloads with bytes to send, in the order in which they asked. */
const inLine: (() => void)[] = [];

/**
 * Sends a stream and lets other requests in between: a socket that takes whatever it is given would let a fast storage keep
 * the event loop busy for megabytes at a time, with each of many downloads.
 */
export async function sendPaced(body: Readable, response: Response): Promise<void> {
  let waits = false;
  const moveOn = (): void => {
    waits = false;
    response.uncork();
  };
  body.on('data', () => {
    if (waits) return;
    waits = true;
    // A corked response fills up, and the pipeline waits until it drains.
    response.cork();
    inLine.push(moveOn);
    if (inLine.length === 1) setImmediate(takeTurn);
  });
  await pipeline(body, response);
}

function takeTurn(): void {
  for (const moveOn of inLine.splice(0, DOWNLOADS_A_TURN)) moveOn();
  if (inLine.length > 0) setImmediate(takeTurn);
}
