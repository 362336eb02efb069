import type { Frame } from './frame-source.js';
import { frameTooLarge } from './oversize.js';

/** Longer than any header of a frame that is within the limits. */
const MAX_HEADER_BYTES = 64;

/** `P6`, width, height and the highest value, each followed by one white space. */
const HEADER = /^P6\s(\d+)\s(\d+)\s255\s/;

/**
 * Cuts a stream of binary PPM pictures into frames.
 *
 * @throws when the stream holds anything else, or a frame of more than `maxPixels`. A last frame that is cut off is dropped.
 * @see https://netpbm.sourceforge.net/doc/ppm.html
 */
export async function* readPpmFrames(
  stream: AsyncIterable<Buffer>,
  maxPixels: number,
): AsyncGenerator<Frame, undefined> {
  let header = Buffer.alloc(0);
  let frame: { width: number; height: number; rgb: Buffer; filled: number } | undefined;
  for await (const chunk of stream) {
    let rest = chunk;
    while (rest.length > 0) {
      if (frame === undefined) {
        const before = header.length;
        header = Buffer.concat([header, rest.subarray(0, MAX_HEADER_BYTES - before)]);
        const match = HEADER.exec(header.toString('latin1'));
        if (match === null) {
          if (header.length === MAX_HEADER_BYTES) throw new Error('not a PPM stream');
          break;
        }
        const [width, height] = [Number(match[1]), Number(match[2])];
        if (width * height > maxPixels) throw frameTooLarge({ width, height });
        frame = { width, height, rgb: Buffer.allocUnsafe(width * height * 3), filled: 0 };
        rest = rest.subarray(match[0].length - before);
        header = Buffer.alloc(0);
      }
      const copied = rest.copy(frame.rgb, frame.filled);
      frame.filled += copied;
      rest = rest.subarray(copied);
      if (frame.filled < frame.rgb.length) break;
      yield { width: frame.width, height: frame.height, rgb: frame.rgb };
      frame = undefined;
    }
  }
}
