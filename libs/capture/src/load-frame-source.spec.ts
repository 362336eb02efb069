import { AppError, createLogger } from '#libs/runtime';
import { FakeFrameSource } from '../test-support/fake-frame-source.js';
import { FfmpegFrameSource } from './ffmpeg.frame-source.js';
import { loadFrameSource } from './load-frame-source.js';

describe(loadFrameSource.name, () => {
  const logger = createLogger({ name: 'test', level: 'silent' });
  const [nodeAv, ffmpeg, opencv] = [new FakeFrameSource(), new FakeFrameSource(), new FakeFrameSource()];
  const loaders = {
    'node-av': () => Promise.resolve(nodeAv),
    ffmpeg: () => Promise.resolve(ffmpeg),
    opencv: () => Promise.resolve(opencv),
  };

  it.each([
    ['auto', nodeAv],
    ['node-av', nodeAv],
    ['ffmpeg', ffmpeg],
    ['opencv', opencv],
  ] as const)('loads for %s what it names', async (backend, expected) => {
    expect(await loadFrameSource(backend, { loaders, logger })).toBe(expected);
  });

  const missing = { ...loaders, 'node-av': () => Promise.reject(new AppError('CAPTURE.BACKEND_MISSING', 'no binary')) };

  it('falls back to the program where node-av does not run', async () => {
    expect(await loadFrameSource('auto', { loaders: missing, logger })).toBe(ffmpeg);
  });

  it('falls back to nothing when node-av was asked for', async () => {
    await expect(loadFrameSource('node-av', { loaders: missing })).rejects.toMatchObject({
      code: 'CAPTURE.BACKEND_MISSING',
    });
  });

  it('names the program that is not installed', async () => {
    await expect(FfmpegFrameSource.load('no-such-ffmpeg')).rejects.toMatchObject({
      code: 'CAPTURE.BACKEND_MISSING',
      hint: expect.stringContaining('apt install ffmpeg'),
    });
  });
});
