import { Decoder, Demuxer, Scaler } from 'node-av';
import sharp from 'sharp';

/** The frames of a video with the given numbers, counted from 0, each as a JPEG. */
export async function videoFrames(file: string, numbers: readonly number[]): Promise<Map<number, Buffer>> {
  const found = new Map<number, Buffer>();
  await using demuxer = await Demuxer.open(file);
  const stream = demuxer.video();
  if (!stream) throw new Error(`${file} has no video.`);
  using decoder = await Decoder.create(stream, { threadCount: 1 });
  using scaler = new Scaler();
  let number = 0;
  for await (const frame of decoder.frames(demuxer.packets(stream.index))) {
    // A null frame is the end of the video.
    if (frame === null) break;
    if (numbers.includes(number)) {
      const { width, height } = frame;
      const pixels = await scaler.toBuffer(frame, { format: 'rgb' });
      const jpeg = sharp(pixels, { raw: { width, height, channels: 3 } }).jpeg({ quality: 90 });
      found.set(number, await jpeg.toBuffer());
    }
    number += 1;
  }
  const missing = numbers.filter((wanted) => !found.has(wanted));
  if (missing.length > 0) throw new Error(`${file} has no frame ${missing.join(', ')}.`);
  return found;
}
