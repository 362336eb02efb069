import { FakeFrameSource, type FakeFrames, until } from '../test-support/fake-frame-source.js';
import { Camera, type CameraOptions } from './camera.js';

const signal = new AbortController().signal;

describe(Camera.name, () => {
  let source: FakeFrameSource;

  const aCamera = (options: Partial<CameraOptions> = {}): Camera =>
    new Camera({
      source: { kind: 'device', device: 0 },
      frameSource: () => Promise.resolve(source),
      warmUpFrames: 2,
      idleMs: 60_000,
      openTimeoutMs: 20_000,
      frameTimeoutMs: 20_000,
      ...options,
    });
  const opened = async (count = 1): Promise<FakeFrames> => {
    await until(() => source.opened.length === count);
    const frames = source.opened.at(-1);
    if (frames === undefined) throw new Error('nothing was opened');
    return frames;
  };
  const numberOf = async (frame: Promise<{ rgb: Buffer }>): Promise<number | undefined> => (await frame).rgb[0];

  beforeEach(() => {
    source = new FakeFrameSource();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('opens nothing before the first shot', () => {
    expect(aCamera().isOpen).toBe(false);
    expect(source.inputs).toEqual([]);
  });

  it('drops the frames of its warm-up', async () => {
    const camera = aCamera({ warmUpFrames: 2 });
    const shot = camera.nextFrame(signal);
    const frames = await opened();
    for (let count = 0; count < 3; count += 1) await frames.send();
    expect(await numberOf(shot)).toBe(2);
    await camera.close();
  });

  it('stays open, and gives the next shot a frame that arrives after it was asked for', async () => {
    const camera = aCamera({ warmUpFrames: 0 });
    const first = camera.nextFrame(signal);
    const frames = await opened();
    await frames.send();
    expect(await numberOf(first)).toBe(0);
    for (let count = 0; count < 5; count += 1) await frames.send();
    const second = camera.nextFrame(signal);
    await until(() => camera.isOpen);
    await frames.send();
    expect(await numberOf(second)).toBe(6);
    expect(source.opened).toHaveLength(1);
    expect(frames.taken).toEqual([0, 6]);
    await camera.close();
    expect(frames.isClosed).toBe(true);
  });

  it('closes when nobody wants a shot for its idle time, and opens again', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    const camera = aCamera({ warmUpFrames: 0, idleMs: 5_000 });
    const shot = camera.nextFrame(signal);
    const frames = await opened();
    await frames.send();
    await shot;
    jest.advanceTimersByTime(4_999);
    expect(camera.isOpen).toBe(true);
    jest.advanceTimersByTime(1);
    await until(() => frames.isClosed && !camera.isOpen);
    const again = camera.nextFrame(signal);
    await (await opened(2)).send();
    expect(await numberOf(again)).toBe(0);
    await camera.close();
  });

  it('does not open a camera again before it is released', async () => {
    const camera = aCamera({ warmUpFrames: 0 });
    const first = camera.nextFrame(signal);
    const frames = await opened();
    await frames.send();
    await first;
    const released = Promise.withResolvers<undefined>();
    frames.closing = released.promise;
    void camera.close();
    const second = camera.nextFrame(signal);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(source.inputs).toHaveLength(1);
    released.resolve(undefined);
    await (await opened(2)).send();
    expect(await numberOf(second)).toBe(0);
    await camera.close();
  });

  it('closes at once without idle time', async () => {
    const camera = aCamera({ warmUpFrames: 0, idleMs: 0 });
    const shot = camera.nextFrame(signal);
    const frames = await opened();
    frames.send().catch(() => undefined);
    await shot;
    expect(frames.isClosed).toBe(true);
  });

  it('reports a camera that ends, and opens it anew for the next shot', async () => {
    const camera = aCamera();
    const shot = camera.nextFrame(signal);
    (await opened()).end();
    await expect(shot).rejects.toMatchObject({ code: 'CAPTURE.NO_FRAME', message: 'The source gave no frame.' });
    const again = camera.nextFrame(signal);
    const frames = await opened(2);
    for (let count = 0; count < 3; count += 1) await frames.send();
    expect(await numberOf(again)).toBe(2);
    await camera.close();
  });

  it('is content with the last frame of a source that ends while it warms up', async () => {
    const shot = aCamera({ warmUpFrames: 5 }).nextFrame(signal);
    const frames = await opened();
    await frames.send();
    await frames.send();
    frames.end();
    expect(await numberOf(shot)).toBe(1);
  });

  it('opens again when the camera was lost between two shots', async () => {
    const camera = aCamera({ warmUpFrames: 0 });
    const first = camera.nextFrame(signal);
    const frames = await opened();
    await frames.send();
    await first;
    frames.end();
    await until(() => !camera.isOpen);
    const second = camera.nextFrame(signal);
    await (await opened(2)).send();
    expect(await numberOf(second)).toBe(0);
    await camera.close();
  });

  it('gives up a camera that does not open in time, and closes it when it does after all', async () => {
    const gate = Promise.withResolvers<undefined>();
    source.gate = gate.promise;
    const shot = aCamera({ openTimeoutMs: 1 }).nextFrame(signal);
    await expect(shot).rejects.toMatchObject({ code: 'CAPTURE.TIMEOUT', details: { timeoutMs: 1 } });
    gate.resolve(undefined);
    const frames = await opened();
    await until(() => frames.isClosed);
    expect(frames.taken).toEqual([]);
  });

  it('gives up a camera that sends no frame in time, and closes it', async () => {
    const shot = aCamera({ frameTimeoutMs: 1 }).nextFrame(signal);
    await expect(shot).rejects.toMatchObject({ code: 'CAPTURE.TIMEOUT' });
    expect((await opened()).isClosed).toBe(true);
  });

  it.each(['opens', 'waits for a frame'])('stops while it %s when the caller aborts', async (when) => {
    const caller = new AbortController();
    if (when === 'opens') source.gate = new Promise(() => undefined);
    const camera = aCamera();
    const shot = camera.nextFrame(caller.signal);
    await until(() => (when === 'opens' ? source.inputs.length : source.opened.length) === 1);
    caller.abort(new Error('enough'));
    await expect(shot).rejects.toMatchObject({ code: 'CAPTURE.ABORTED', cause: { message: 'enough' } });
    expect(camera.isOpen).toBe(false);
  });
});
