import { createHash } from 'node:crypto';
import { readdir, readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { FakeFrameSource, until } from '../test-support/fake-frame-source.js';
import { hasFfmpegProgram } from '../test-support/ffmpeg-program.js';
import { type CaptureOptions, StillCapture } from './still-capture.js';
import type { StillPicture } from './still-picture.js';

const CLIP = 'docs/assets/people.mp4';
const DIAGRAM = 'docs/assets/1_architecture.png';
const jpeg = { contentType: 'image/jpeg' } as const;
const png = { contentType: 'image/png' } as const;

describe(StillCapture.name, () => {
  let directory: string;
  const captures: StillCapture[] = [];

  const aCapture = (options: CaptureOptions = {}): StillCapture => {
    const capture = new StillCapture({ backend: 'node-av', mediaRoot: directory, cameras: { 0: CLIP }, ...options });
    captures.push(capture);
    return capture;
  };
  const bytesOf = async (picture: StillPicture): Promise<Buffer> => {
    const bytes = await buffer(picture.stream());
    await picture.close();
    expect(bytes).toHaveLength(picture.sizeBytes);
    return bytes;
  };
  const written = async (name: string, content: Buffer | string): Promise<string> => {
    await writeFile(join(directory, name), content);
    return name;
  };
  /** 40x20, the left half red, the right half green; turned by EXIF as a phone does. */
  const aPhoto = async (): Promise<Buffer> => {
    const green = await sharp({ create: { width: 20, height: 20, channels: 3, background: '#00ff00' } })
      .png()
      .toBuffer();
    return sharp({ create: { width: 40, height: 20, channels: 3, background: '#ff0000' } })
      .composite([{ input: green, left: 20, top: 0 }])
      .withExif({ IFD0: { Artist: 'somebody' }, IFD3: { GPSLatitude: '47/1 0/1 0/1' } })
      .withMetadata({ orientation: 6 })
      .jpeg({ quality: 95 })
      .toBuffer();
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'still-capture-'));
  });
  afterEach(async () => {
    await Promise.all(captures.splice(0).map((capture) => capture.close()));
  });
  afterAll(() => rm(directory, { recursive: true }));

  describe('with a camera', () => {
    it('gives another picture each time, round after round', async () => {
      const capture = aCapture();
      const digests = new Set<string>();
      for (let shot = 0; shot < 20; shot += 1) {
        const picture = await capture.fromCamera({ index: 0, ...jpeg });
        expect(picture).toMatchObject({ ...jpeg, width: 768, height: 576 });
        digests.add(
          createHash('sha256')
            .update(await bytesOf(picture))
            .digest('hex'),
        );
      }
      expect(digests.size).toBe(20);
    });

    it('begins with the first frame of a stand-in', async () => {
      const [fromCamera, fromFile] = [
        await aCapture().fromCamera({ index: 0, ...png }),
        await aCapture({ mediaRoot: 'docs/assets' }).fromFile({ filename: CLIP, ...png }),
      ];
      expect((await bytesOf(fromCamera)).equals(await bytesOf(fromFile))).toBe(true);
    });

    it('keeps showing a stand-in of one picture', async () => {
      const still = join(directory, await written('still.bmp', aBitmap()));
      const capture = aCapture({ cameras: { 0: still } });
      for (let shot = 0; shot < 3; shot += 1) {
        expect(await capture.fromCamera({ index: 0, ...png })).toMatchObject({ width: 2, height: 2 });
      }
    });

    it('encodes PNG without loss', async () => {
      const capture = aCapture({ cameras: { 0: 'color=c=red:size=64x48' } });
      const picture = await capture.fromCamera({ index: 0, ...png });
      expect(picture).toMatchObject({ ...png, width: 64, height: 48 });
      const { data } = await sharp(await bytesOf(picture))
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect([...data.subarray(0, 3)].map((value) => Math.round(value / 8))).toEqual([32, 0, 0]);
    });

    it('heeds quality and resolution, and never enlarges', async () => {
      const fine = await aCapture({ jpegQuality: 95 }).fromCamera({ index: 0, ...jpeg });
      const coarse = await aCapture({ jpegQuality: 30 }).fromCamera({ index: 0, ...jpeg });
      expect(coarse.sizeBytes * 2).toBeLessThan(fine.sizeBytes);
      const small = aCapture({ resolution: { width: 320, height: 320 } });
      expect(await small.fromCamera({ index: 0, ...jpeg })).toMatchObject({ width: 320, height: 240 });
      const large = aCapture({ resolution: { width: 4_000, height: 4_000 } });
      expect(await large.fromCamera({ index: 0, ...jpeg })).toMatchObject({ width: 768, height: 576 });
    });

    it('takes one picture at a time with each camera', async () => {
      const capture = aCapture({ cameras: { 0: 'testsrc=size=64x48:rate=30', 1: 'testsrc=size=64x48:rate=30' } });
      const [first, second, other] = await Promise.allSettled([
        capture.fromCamera({ index: 0, ...jpeg }),
        capture.fromCamera({ index: 0, ...jpeg }),
        capture.fromCamera({ index: 1, ...jpeg }),
      ]);
      expect([first.status, other.status]).toEqual(['fulfilled', 'fulfilled']);
      expect(second).toMatchObject({ status: 'rejected', reason: { code: 'CAMERA.BUSY' } });
      expect(await capture.fromCamera({ index: 0, ...jpeg })).toMatchObject({ width: 64 });
    });

    it.each([-1, 1.5, 64, NaN])('knows no camera %d', async (index) => {
      await expect(aCapture().fromCamera({ index, ...jpeg })).rejects.toMatchObject({ code: 'CAMERA.NOT_FOUND' });
    });

    it('names the setting of a stand-in that is missing', async () => {
      const capture = aCapture({ cameras: { 3: 'no-such-file.mp4' } });
      await expect(capture.fromCamera({ index: 3, ...jpeg })).rejects.toMatchObject({
        code: 'CAMERA.NOT_FOUND',
        hint: expect.stringContaining('CAMERA_0'),
      });
      await expect(capture.fromCamera({ index: 3, ...jpeg })).rejects.toMatchObject({ code: 'CAMERA.NOT_FOUND' });
    });

    it('ends what is under way when it is closed, and takes no more pictures', async () => {
      const source = new FakeFrameSource();
      const capture = new StillCapture({}, () => Promise.resolve(source));
      const shot = capture.fromCamera({ index: 0, ...jpeg });
      const outcome = expect(shot).rejects.toMatchObject({ code: 'CAPTURE.ABORTED' });
      await until(() => source.opened.length === 1);
      await capture.close();
      await outcome;
      expect(source.opened[0]?.isClosed).toBe(true);
      await expect(capture.fromCamera({ index: 0, ...jpeg })).rejects.toMatchObject({ code: 'CAPTURE.ABORTED' });
    });

    it('lists the cameras of the machine and of the settings', async () => {
      const capture = new StillCapture({ cameras: { 2: 'rtsp://user:hidden@host/yard', 1: CLIP } }, () =>
        Promise.resolve(new FakeFrameSource()),
      );
      expect(await capture.listCameras()).toEqual([
        { index: 0, name: 'Front door' },
        { index: 1, name: 'video file people.mp4' },
        { index: 2, name: 'rtsp://host/yard' },
      ]);
    });

    it('marks a file that cannot be read', async () => {
      const capture = aCapture({ cameras: { 0: CLIP, 1: '/no/such/clip.mp4' } });
      const cameras = await capture.listCameras();
      expect(cameras.find(({ index }) => index === 0)?.name).toBe('video file people.mp4');
      expect(cameras.find(({ index }) => index === 1)?.name).toBe('video file clip.mp4 (cannot be read)');
    });

    it('lists the cameras of the settings where no library runs', async () => {
      const capture = new StillCapture({ cameras: { 0: CLIP } }, () => Promise.reject(new Error('no library')));
      expect(await capture.listCameras()).toEqual([{ index: 0, name: 'video file people.mp4' }]);
    });

    (hasFfmpegProgram ? it : it.skip)('takes the same picture with the ffmpeg program', async () => {
      const [one, other] = await Promise.all(
        (['node-av', 'ffmpeg'] as const).map(async (backend) => {
          const picture = await bytesOf(await aCapture({ backend }).fromCamera({ index: 0, ...png }));
          return sharp(picture).raw().toBuffer();
        }),
      );
      expect(one && other && meanDifference(one, other)).toBeLessThan(2);
    });
  });

  describe('with a file', () => {
    it('passes a picture of the wanted type on unchanged, as often as it is read', async () => {
      const content = await readFile(DIAGRAM);
      const picture = await aCapture({ mediaRoot: 'docs/assets' }).fromFile({ filename: `./${DIAGRAM}`, ...png });
      expect(picture).toMatchObject({ ...png, sizeBytes: content.length, width: 1600, height: 940 });
      expect((await buffer(picture.stream())).equals(content)).toBe(true);
      expect((await bytesOf(picture)).equals(content)).toBe(true);
      await picture.close();
    });

    it('passes a photo on with its metadata, whatever its name ends in', async () => {
      const photo = await aPhoto();
      const picture = await aCapture().fromFile({ filename: await written('photo.png', photo), ...jpeg });
      expect((await bytesOf(picture)).equals(photo)).toBe(true);
    });

    it('strips metadata when it is told to, and turns the picture upright first', async () => {
      const filename = await written('private.jpg', await aPhoto());
      const picture = await aCapture({ stripMetadata: true }).fromFile({ filename, ...jpeg });
      const bytes = await bytesOf(picture);
      const metadata = await sharp(bytes).metadata();
      expect(metadata).toMatchObject({ width: 20, height: 40 });
      expect([metadata.exif, metadata.orientation]).toEqual([undefined, undefined]);
      expect(bytes.includes('somebody')).toBe(false);
      const { data } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
      expect([...data.subarray(0, 3)].map((value) => value > 128)).toEqual([true, false, false]);
    });

    it('keeps metadata when it encodes another type, and turns the picture upright', async () => {
      const filename = await written('photo.jpg', await aPhoto());
      const bytes = await bytesOf(await aCapture().fromFile({ filename, ...png }));
      const metadata = await sharp(bytes).metadata();
      expect(metadata).toMatchObject({ format: 'png', width: 20, height: 40 });
      expect(metadata.exif?.includes('somebody')).toBe(true);
      expect(metadata.orientation ?? 1).toBe(1);
    });

    it('puts a transparent picture on white', async () => {
      const clear = await sharp({ create: { width: 8, height: 8, channels: 4, background: '#00000000' } })
        .png()
        .toBuffer();
      const bytes = await bytesOf(await aCapture().fromFile({ filename: await written('clear.png', clear), ...jpeg }));
      const { data } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
      expect([...data.subarray(0, 3)]).toEqual([255, 255, 255]);
    });

    it.each(['webp', 'gif', 'tiff', 'avif'] as const)('reads %s', async (format) => {
      const content = await sharp(await aPhoto())
        .autoOrient()
        .toFormat(format)
        .toBuffer();
      const filename = await written(`picture.${format}`, content);
      expect(await aCapture().fromFile({ filename, ...jpeg })).toMatchObject({ ...jpeg, width: 20, height: 40 });
    });

    it('tells files apart that are read one after the other', async () => {
      const capture = aCapture();
      for (const width of [10, 20, 30, 40]) {
        const content = await sharp({ create: { width, height: 5, channels: 3, background: 'blue' } })
          .png()
          .toBuffer();
        const picture = await capture.fromFile({ filename: await written(`${width}.png`, content), ...jpeg });
        expect(picture.width).toBe(width);
      }
    });

    it('takes the first frame of a video', async () => {
      const picture = await aCapture({ mediaRoot: 'docs/assets' }).fromFile({ filename: CLIP, ...jpeg });
      expect(picture).toMatchObject({ ...jpeg, width: 768, height: 576 });
      expect((await sharp(await bytesOf(picture)).metadata()).format).toBe('jpeg');
    });

    it('serves many callers', async () => {
      const capture = aCapture({ mediaRoot: 'docs/assets' });
      const pictures = await Promise.all(
        Array.from({ length: 8 }, (_, count) => capture.fromFile({ filename: count % 2 ? CLIP : DIAGRAM, ...jpeg })),
      );
      expect(pictures.map(({ width }) => width)).toEqual([1600, 768, 1600, 768, 1600, 768, 1600, 768]);
    });

    it.each([
      ['text', 'not a picture', 'MEDIA.UNREADABLE'],
      ['empty', '', 'MEDIA.UNREADABLE'],
      ['the start of a JPEG', Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16]), 'MEDIA.UNREADABLE'],
      ['a bomb', aPngOf(60_000, 60_000), 'MEDIA.TOO_LARGE'],
    ])('refuses %s', async (name, content, code) => {
      const filename = await written(name, content);
      await expect(aCapture().fromFile({ filename, ...jpeg })).rejects.toMatchObject({ code });
      await expect(aCapture().fromFile({ filename, ...png })).rejects.toMatchObject({ code });
    });

    it('keeps to the media root', async () => {
      await expect(aCapture().fromFile({ filename: '../secret.png', ...png })).rejects.toMatchObject({
        code: 'MEDIA.OUTSIDE_ROOT',
      });
      await expect(aCapture().fromFile({ filename: 'missing.png', ...png })).rejects.toMatchObject({
        code: 'MEDIA.NOT_FOUND',
      });
    });

    it('reads any file for the person at the terminal', async () => {
      expect(await aCapture().fromTrustedFile({ path: CLIP, ...jpeg })).toMatchObject({ width: 768 });
      await expect(aCapture().fromTrustedFile({ path: 'missing.mp4', ...jpeg })).rejects.toMatchObject({
        code: 'MEDIA.NOT_FOUND',
      });
    });

    it('stops when the caller has aborted', async () => {
      const request = {
        filename: await written('late.png', await readFile(DIAGRAM)),
        ...png,
        signal: AbortSignal.abort(),
      };
      await expect(aCapture().fromFile(request)).rejects.toMatchObject({ code: 'CAPTURE.ABORTED' });
    });

    (process.platform === 'linux' ? it : it.skip)('leaves no file open', async () => {
      const capture = aCapture();
      const names = [
        await written('a.png', await readFile(DIAGRAM)),
        await written('a.mp4', await readFile(CLIP)),
        await written('a.txt', 'text'),
        await written('a.jpg', Buffer.from([0xff, 0xd8, 0xff])),
      ];
      const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
      const take = async (filename: string): Promise<void> => {
        const picture = await capture.fromFile({ filename, ...png }).catch(() => undefined);
        await picture?.close();
      };
      for (const name of names) await take(name);
      const before = await openFiles();
      for (let round = 0; round < 5; round += 1) for (const name of names) await take(name);
      expect(await openFiles()).toBeLessThanOrEqual(before);
    });
  });
});

/** The header of a PNG picture of any size, and no picture. */
function aPngOf(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const content = Buffer.concat([Buffer.from(type), data]);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(content));
    return Buffer.concat([length, content, checksum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', Buffer.from([0x78, 0x9c, 3, 0, 0, 0, 0, 1])),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** A bitmap of 2x2 pixels, a picture that only the video decoder reads. */
function aBitmap(): Buffer {
  const bytes = Buffer.alloc(54 + 16);
  bytes.write('BM');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(54, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(2, 18);
  bytes.writeInt32LE(2, 22);
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(24, 28);
  bytes.writeUInt32LE(16, 34);
  return bytes;
}

function meanDifference(left: Buffer, right: Buffer): number {
  let sum = 0;
  for (let index = 0; index < left.length; index += 1) sum += Math.abs((left[index] ?? 0) - (right[index] ?? 0));
  return left.length === right.length ? sum / left.length : Infinity;
}
