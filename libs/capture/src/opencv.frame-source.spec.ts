import { MediaFile } from './media-file.js';
import {
  OPENCV_PACKAGE,
  type OpenCv,
  type OpenCvCapture,
  OpenCvFrameSource,
  type OpenCvMat,
} from './opencv.frame-source.js';
import { readFirstFrame } from './video-file.js';

const options = { timeoutMs: 20_000, signal: new AbortController().signal };
const BGR2RGB = 4;

/** A matrix of one pixel, blue 1, green 2, red 3. */
class FakeMat implements OpenCvMat {
  static alive = 0;
  readonly rows = 1;
  readonly cols: number;

  constructor(private readonly bytes: number[]) {
    this.cols = bytes.length / 3;
    FakeMat.alive += 1;
  }
  get empty(): boolean {
    return this.bytes.length === 0;
  }
  cvtColorAsync(code: number): Promise<OpenCvMat> {
    expect(code).toBe(BGR2RGB);
    return Promise.resolve(new FakeMat(this.bytes.toReversed()));
  }
  getDataAsync(): Promise<Buffer> {
    return Promise.resolve(Buffer.from(this.bytes));
  }
  release(): void {
    FakeMat.alive -= 1;
  }
}

class FakeCapture implements OpenCvCapture {
  static made: FakeCapture[] = [];
  static framesLeft = Infinity;
  readonly properties = new Map<number, number>();
  isReleased = false;

  constructor(readonly source: number | string) {
    if (source === 63) throw new Error('VideoCapture::New - failed to open capture');
    FakeCapture.made.push(this);
  }
  readAsync(): Promise<OpenCvMat> {
    expect(this.isReleased).toBe(false);
    FakeCapture.framesLeft -= 1;
    return Promise.resolve(new FakeMat(FakeCapture.framesLeft < 0 ? [] : [1, 2, 3]));
  }
  set(property: number, value: number): boolean {
    this.properties.set(property, value);
    return true;
  }
  release(): void {
    this.isReleased = true;
  }
}

const fake: OpenCv = {
  VideoCapture: FakeCapture,
  COLOR_BGR2RGB: BGR2RGB,
  CAP_PROP_POS_MSEC: 0,
  CAP_PROP_FRAME_WIDTH: 3,
  CAP_PROP_FRAME_HEIGHT: 5,
};

describe(OpenCvFrameSource.name, () => {
  beforeEach(() => {
    FakeCapture.made = [];
    FakeCapture.framesLeft = Infinity;
  });
  afterEach(() => {
    expect(FakeMat.alive).toBe(0);
    expect(FakeCapture.made.every(({ isReleased }) => isReleased)).toBe(true);
  });

  it('names what to install where the package is missing', async () => {
    await expect(OpenCvFrameSource.load()).rejects.toMatchObject({
      code: 'CAPTURE.BACKEND_MISSING',
      message: expect.stringContaining(OPENCV_PACKAGE),
      hint: expect.stringContaining('libopencv-dev'),
    });
  });

  it.each([
    ['the module', fake],
    ['its default', { default: fake }],
    ['the field cv of its default', { default: { cv: fake } }],
  ])('finds OpenCV as %s', async (_where, loaded) => {
    const source = await OpenCvFrameSource.load(() => Promise.resolve(loaded));
    expect(source.name).toBe('opencv');
  });

  it('refuses a package without video capture', async () => {
    const loading = OpenCvFrameSource.load(() => Promise.resolve({ default: {} }));
    await expect(loading).rejects.toMatchObject({ code: 'CAPTURE.BACKEND_MISSING' });
  });

  it('opens a camera in the wanted resolution and turns its colours into red, green, blue', async () => {
    const input = { kind: 'device', device: 2 } as const;
    const frame = await readFirstFrame(new OpenCvFrameSource(fake), input, {
      ...options,
      resolution: { width: 1280, height: 720 },
    });
    expect(frame).toEqual({ width: 1, height: 1, rgb: Buffer.from([3, 2, 1]) });
    expect(FakeCapture.made[0]).toMatchObject({ source: 2 });
    expect([...(FakeCapture.made[0]?.properties ?? [])]).toEqual([
      [3, 1280],
      [5, 720],
    ]);
  });

  it('begins a file where it is asked to', async () => {
    const file = await MediaFile.openTrusted('docs/assets/people.mp4');
    await readFirstFrame(new OpenCvFrameSource(fake), { kind: 'file', file, startMs: 1_400 }, options);
    expect(FakeCapture.made[0]).toMatchObject({ source: file.path });
    expect(FakeCapture.made[0]?.properties.get(0)).toBe(1_400);
    await file.close();
  });

  it('reports a source without a frame', async () => {
    FakeCapture.framesLeft = 0;
    const reading = readFirstFrame(new OpenCvFrameSource(fake), { kind: 'device', device: 0 }, options);
    await expect(reading).rejects.toMatchObject({ code: 'CAPTURE.NO_FRAME' });
  });

  it('reports a camera that does not open', async () => {
    const opening = new OpenCvFrameSource(fake).open({ kind: 'device', device: 63 }, options);
    await expect(opening).rejects.toMatchObject({ code: 'CAMERA.FAILED' });
  });

  it('says that it has no test sources', async () => {
    const opening = new OpenCvFrameSource(fake).open({ kind: 'test', graph: 'testsrc' }, options);
    await expect(opening).rejects.toMatchObject({ hint: expect.stringContaining('node-av') });
  });
});
