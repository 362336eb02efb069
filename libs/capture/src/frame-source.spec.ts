import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { freePort } from '../../../test/support/free-port.js';
import { type CameraServer, startCameraServer } from '../test-support/camera-server.js';
import { hasFfmpegProgram } from '../test-support/ffmpeg-program.js';
import { type RtspServer, startRtspServer } from '../test-support/rtsp-server.js';
import { FfmpegFrameSource } from './ffmpeg.frame-source.js';
import type { Frame, FrameInput, FrameSource } from './frame-source.js';
import { LiveFrames } from './live-frames.js';
import { MediaFile } from './media-file.js';
import { NodeAvFrameSource } from './node-av.frame-source.js';
import { openInput } from './open-input.js';
import { within } from './time-limit.js';

const CLIP = 'docs/assets/people.mp4';
const FRAMES_IN_CLIP = 60;

/** Long enough never to pass in a test that goes well. */
const options = { timeoutMs: 20_000, signal: new AbortController().signal };

/** What both libraries must do alike; it runs on the real ones. */
const sources: [name: string, load: () => Promise<FrameSource>][] = [['node-av', () => NodeAvFrameSource.load()]];
if (hasFfmpegProgram) sources.push(['ffmpeg', () => FfmpegFrameSource.load()]);

describe.each(sources)('the frame source %s', (name, load) => {
  let source: FrameSource;
  let directory: string;
  let network: CameraServer;

  beforeAll(async () => {
    source = await load();
    directory = await mkdtemp(join(tmpdir(), 'frame-source-'));
    network = await startCameraServer();
  });
  afterAll(async () => {
    await network.close();
    await rm(directory, { recursive: true });
  });

  const framesOf = async (input: FrameInput, count: number): Promise<Frame[]> => {
    const opened = await openInput(source, input, options);
    const frames: Frame[] = [];
    try {
      for await (const frame of opened.frames) {
        frames.push(await frame.read());
        if (frames.length === count) break;
      }
      return frames;
    } finally {
      await opened.close();
    }
  };
  const framesOfFile = async (path: string, { startMs = 0, count = 1 } = {}): Promise<Frame[]> => {
    const file = await MediaFile.openTrusted(path);
    try {
      return await framesOf({ kind: 'file', file, startMs }, count);
    } finally {
      await file.close();
    }
  };
  const written = async (file: string, content: string | Buffer): Promise<string> => {
    await writeFile(join(directory, file), content);
    return join(directory, file);
  };

  it('says its name', () => {
    expect(source.name).toBe(name);
  });

  it('reads a video from its first frame to its last', async () => {
    const frames = await framesOfFile(CLIP, { count: Infinity });
    expect(frames).toHaveLength(FRAMES_IN_CLIP);
    expect(frames[0]).toMatchObject({ width: 768, height: 576 });
    expect(frames[0]?.rgb).toHaveLength(768 * 576 * 3);
  });

  it.each([
    [1_400, 7],
    [5_000, 25],
    [11_800, 59],
  ])('begins at %d ms with frame %d', async (startMs, index) => {
    const [frame] = await framesOfFile(CLIP, { startMs });
    const all = await framesOfFile(CLIP, { count: index + 1 });
    expect(frame && all[index]?.rgb.equals(frame.rgb)).toBe(true);
    expect(frame && all[index - 1]?.rgb.equals(frame.rgb)).toBe(false);
  });

  it('gives no frame after the end', async () => {
    expect(await framesOfFile(CLIP, { startMs: 12_500 })).toEqual([]);
  });

  it.each([
    ['red', [255, 0, 0]],
    ['lime', [0, 255, 0]],
    ['blue', [0, 0, 255]],
    ['white', [255, 255, 255]],
  ])('gives red, green and blue in this order: %s', async (colour, expected) => {
    const [frame] = await framesOf({ kind: 'test', graph: `color=c=${colour}:size=64x48` }, 1);
    const pixel = [...(frame?.rgb.subarray(64 * 24 * 3, 64 * 24 * 3 + 3) ?? [])];
    expect(pixel.map((value, channel) => Math.abs(value - (expected[channel] ?? 0)) <= 4)).toEqual([true, true, true]);
  });

  it('packs the rows of a frame whose width is odd', async () => {
    const [frame] = await framesOf({ kind: 'test', graph: 'rgbtestsrc=size=321x241' }, 1);
    expect(frame).toMatchObject({ width: 321, height: 241 });
    expect(frame?.rgb).toHaveLength(321 * 241 * 3);
    // Red above, green in the middle, blue below.
    const row = (number: number): Buffer | undefined => frame?.rgb.subarray(number * 321 * 3, (number + 1) * 321 * 3);
    const isOnly = (channel: number) => (value: number, index: number) => index % 3 === channel || value === 0;
    expect([row(0)?.every(isOnly(0)), row(120)?.every(isOnly(1)), row(240)?.every(isOnly(2))]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('plays a test source in real time', async () => {
    const before = performance.now();
    await framesOf({ kind: 'test', graph: 'testsrc=size=64x48:rate=50' }, 16);
    expect(performance.now() - before).toBeGreaterThan(250);
  });

  it('reads a stream of pictures over HTTP', async () => {
    const frames = await framesOf({ kind: 'stream', url: `${network.url}/stream` }, 3);
    expect(frames).toHaveLength(3);
    expect(frames[2]).toMatchObject({ width: 64, height: 48 });
  });

  it('reads the one picture of a snapshot address', async () => {
    const frames = await framesOf({ kind: 'stream', url: `${network.url}/snapshot.jpg` }, 10);
    expect(frames).toHaveLength(1);
  });

  it('ends an iteration that waits for a frame when it is closed', async () => {
    const opened = await openInput(source, { kind: 'stream', url: `${network.url}/stalled` }, options);
    const live = new LiveFrames(opened, 0);
    const untilSilence = async (): Promise<void> => {
      for (;;) await within(live.next(), { ...options, timeoutMs: 400, what: 'sent no frame' });
    };
    await expect(untilSilence()).rejects.toMatchObject({ code: 'CAPTURE.TIMEOUT' });
    expect(live.isOpen).toBe(true);
    await live.close();
    expect(live.isOpen).toBe(false);
  });

  it('gives up a host that does not answer', async () => {
    const opening = openInput(source, { kind: 'stream', url: `${network.url}/silent` }, { ...options, timeoutMs: 300 });
    await expect(opening).rejects.toMatchObject({ code: expect.stringMatching(/^(CAPTURE\.TIMEOUT|CAMERA\.FAILED)$/) });
  });

  it('gives up when the caller does', async () => {
    const caller = new AbortController();
    const input = { kind: 'stream', url: `${network.url}/silent?abort` } as const;
    const opening = openInput(source, input, { timeoutMs: 5_000, signal: caller.signal });
    caller.abort();
    await expect(opening).rejects.toMatchObject({ code: 'CAPTURE.ABORTED' });
  });

  it('says that a stream cannot be opened, without its password', async () => {
    const port = await freePort();
    const url = `http://user:hidden@127.0.0.1:${port}/stream`;
    const error: unknown = await openInput(source, { kind: 'stream', url }, options).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CAMERA.FAILED', hint: expect.stringContaining('address') });
    expect(inspect(error, { depth: 10 })).not.toContain('hidden');
  });

  if (process.platform === 'linux') {
    it('says that a camera is not there', async () => {
      const opening = openInput(source, { kind: 'device', device: 63 }, options);
      await expect(opening).rejects.toMatchObject({
        code: 'CAMERA.NOT_FOUND',
        hint: expect.stringContaining('CAMERA_0'),
      });
    });
  }

  it.each([
    ['text', 'no video at all'],
    ['empty', ''],
    ['zeros', Buffer.alloc(10_000)],
  ])('refuses a file that is no video: %s', async (file, content) => {
    await expect(framesOfFile(await written(file, content))).rejects.toMatchObject({ code: 'MEDIA.UNREADABLE' });
  });

  it('follows no playlist in a file', async () => {
    const address = `${network.url}/from-a-playlist`;
    const playlists = {
      'list.m3u8': `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${address}.ts\n#EXT-X-ENDLIST\n`,
      'list.ffconcat': `ffconcat version 1.0\nfile '${address}.mp4'\n`,
      'other.ffconcat': `ffconcat version 1.0\nfile people.mp4\n`,
      'stream.sdp':
        'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\n',
    };
    await writeFile(join(directory, 'people.mp4'), await readFile(CLIP));
    for (const [file, content] of Object.entries(playlists)) {
      await expect(framesOfFile(await written(file, content))).rejects.toMatchObject({ code: 'MEDIA.UNREADABLE' });
    }
    expect(network.requests.filter((path) => path.includes('playlist'))).toEqual([]);
  });

  it('turns what a phone filmed upright', async () => {
    const [plain] = await framesOfFile(CLIP);
    const [turned] = await framesOfFile(await written('turned.mp4', turnedClockwise(await readFile(CLIP))));
    const isTurned = turned?.width === plain?.height && turned?.height === plain?.width;
    expect(isTurned ? 90 : turned?.turnDegrees).toBe(90);
  });

  it('lists the cameras of the machine by number', async () => {
    const numbers = (await source.listDevices()).map(({ number }) => number);
    expect(numbers).toEqual([...numbers].sort((left, right) => left - right));
  });
});

describe('a frame larger than 8K', () => {
  const huge = { kind: 'test', graph: 'color=size=8000x5000:rate=5:duration=0.4' } as const;
  it.each(sources)('is refused by %s', async (_name, load) => {
    const opening = openInput(await load(), huge, options).then(async (opened) => {
      try {
        for await (const frame of opened.frames) await frame.read();
      } finally {
        await opened.close();
      }
    });
    await expect(opening).rejects.toMatchObject({ code: expect.stringMatching(/^(MEDIA\.TOO_LARGE|CAMERA\.FAILED)$/) });
  });
});

(hasFfmpegProgram ? describe : describe.skip).each(sources)('%s and an RTSP camera', (_name, load) => {
  let camera: RtspServer;
  beforeAll(async () => {
    camera = await startRtspServer();
  });
  afterAll(() => camera.close());

  it('delivers frames', async () => {
    const live = new LiveFrames(await openInput(await load(), { kind: 'stream', url: camera.url }, options), 2);
    try {
      expect(await live.next()).toMatchObject({ width: 160, height: 120 });
      expect(await live.next()).toMatchObject({ width: 160, height: 120 });
    } finally {
      await live.close();
    }
  });
});

/** Writes the matrix that turns the picture by 90 degrees into the header of an MP4 file's track. */
function turnedClockwise(mp4: Buffer): Buffer {
  // ISO/IEC 14496-12, 8.3.2: the matrix follows 40 bytes of a version 0 track header.
  const offset = mp4.indexOf('tkhd') + 4 + 40;
  const matrix = [0, 0x10000, 0, -0x10000, 0, 0, 576 * 0x10000, 0, 0x40000000];
  matrix.forEach((value, index) => mp4.writeInt32BE(value, offset + index * 4));
  return mp4;
}
