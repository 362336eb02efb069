import type { Frame } from './frame-source.js';
import { readPpmFrames } from './ppm.js';

/** A picture of one row. */
function ppm(...bytes: number[]): Buffer {
  return Buffer.concat([Buffer.from(`P6\n${bytes.length / 3} 1\n255\n`), Buffer.from(bytes)]);
}

async function* inPieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += length)
    yield await Promise.resolve(bytes.subarray(start, start + length));
}

async function all(frames: AsyncIterable<Frame>): Promise<Frame[]> {
  const read: Frame[] = [];
  for await (const frame of frames) read.push(frame);
  return read;
}

describe(readPpmFrames.name, () => {
  const stream = Buffer.concat([ppm(1, 2, 3, 4, 5, 6), ppm(7, 8, 9), ppm(80, 54, 10)]);

  it.each([1, 2, 3, 5, 7, 11, 13, 16, 17, 19, 1_000])('cuts frames out of pieces of %d bytes', async (length) => {
    const frames = await all(readPpmFrames(inPieces(stream, length), 100));
    expect(frames).toEqual([
      { width: 2, height: 1, rgb: Buffer.from([1, 2, 3, 4, 5, 6]) },
      { width: 1, height: 1, rgb: Buffer.from([7, 8, 9]) },
      { width: 1, height: 1, rgb: Buffer.from([80, 54, 10]) },
    ]);
  });

  it('drops a last frame that is cut off', async () => {
    const frames = await all(readPpmFrames(inPieces(stream.subarray(0, -1), 8), 100));
    expect(frames).toHaveLength(2);
  });

  it('refuses what is no PPM', async () => {
    await expect(all(readPpmFrames(inPieces(Buffer.alloc(100), 8), 100))).rejects.toThrow('not a PPM');
  });

  it('refuses a frame of too many pixels before it holds it', async () => {
    const frames = readPpmFrames(inPieces(Buffer.from('P6\n11 10\n255\n'), 8), 100);
    await expect(all(frames)).rejects.toMatchObject({ code: 'MEDIA.TOO_LARGE' });
  });
});
