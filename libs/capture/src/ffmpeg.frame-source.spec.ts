import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FfmpegFrameSource } from './ffmpeg.frame-source.js';
import type { FrameInput } from './frame-source.js';
import { readFirstFrame } from './video-file.js';

const options = { timeoutMs: 20_000, signal: new AbortController().signal };

/** Cameras and network streams as the program is called for them; what it does with real ones is no part of this. */
(process.platform === 'linux' ? describe : describe.skip)(FfmpegFrameSource.name, () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ffmpeg-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  /** A program in ffmpeg's place that notes its arguments, one a line, and then does what `script` says. */
  const aProgram = async (script: string): Promise<string> => {
    const program = join(directory, 'ffmpeg');
    await writeFile(program, `#!/bin/sh\nprintf '%s\\n' "$@" > '${directory}/arguments'\n${script}\n`);
    await chmod(program, 0o755);
    return program;
  };
  const given = async (): Promise<string[]> => (await readFile(join(directory, 'arguments'), 'utf8')).split('\n');
  const frameOf = async (script: string, input: FrameInput) =>
    readFirstFrame(new FfmpegFrameSource(await aProgram(script)), input, options);

  const ONE_PIXEL = `printf 'P6\\n1 1\\n255\\nRGB'`;

  it('asks a camera for the wanted resolution', async () => {
    const source = new FfmpegFrameSource(await aProgram(ONE_PIXEL));
    const input = { kind: 'device', device: '/dev/null' } as const;
    const frame = await readFirstFrame(source, input, { ...options, resolution: { width: 1280, height: 720 } });
    expect(frame).toEqual({ width: 1, height: 1, rgb: Buffer.from('RGB') });
    expect((await given()).join(' ')).toContain('-f v4l2 -video_size 1280x720 -i /dev/null -map 0:v:0');
  });

  it('passes an address on as one argument, which no shell reads', async () => {
    const url = 'rtsp://host/$(id); `id` | "x" \'y\' -y';
    await frameOf(ONE_PIXEL, { kind: 'stream', url });
    const args = await given();
    expect(args[args.indexOf('-i') + 1]).toBe(url);
    expect(args.join(' ')).toContain('-rtsp_transport tcp -timeout 20000000 -i');
  });

  it.each([
    [240, 'CAMERA.BUSY'],
    [237, 'CAMERA.NOT_FOUND'],
    [243, 'CAMERA.FAILED'],
    [1, 'CAMERA.FAILED'],
  ])('understands exit code %d', async (exitCode, code) => {
    const frame = frameOf(`echo 'it broke' >&2; exit ${exitCode}`, { kind: 'device', device: '/dev/null' });
    await expect(frame).rejects.toMatchObject({ code, cause: { message: expect.stringContaining('it broke') } });
  });

  it('reports a program that ends without a frame', async () => {
    const frame = frameOf('exit 0', { kind: 'device', device: '/dev/null' });
    await expect(frame).rejects.toMatchObject({ code: 'CAPTURE.NO_FRAME' });
  });

  it('kills a program that goes on', async () => {
    const frame = await frameOf(`echo $$ > '${directory}/pid'; ${ONE_PIXEL}; exec sleep 600`, {
      kind: 'device',
      device: '/dev/null',
    });
    expect(frame.width).toBe(1);
    const pid = Number(await readFile(join(directory, 'pid'), 'utf8'));
    expect(pid).toBeGreaterThan(0);
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});
