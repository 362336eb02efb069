import { spawn } from 'node:child_process';
import { StillCapture } from '#libs/capture';
import { formatMs, median, timed, type Result, type Scenario } from './scenario.js';

const CLIP = 'docs/assets/people.mp4';
/** A camera that is never waited for: what is measured is our part of a shot. */
const CAMERA = 'testsrc=size=768x576:rate=1000';
const SHOTS = 30;

export const capture: Scenario = { name: 'capture', run: shots };

async function shots(): Promise<Result[]> {
  const camera = new StillCapture({ cameras: { 0: CAMERA }, warmUpFrames: 0 });
  const fromFile = (): Promise<number> =>
    timed(async () => (await camera.fromTrustedFile({ path: CLIP, contentType: 'image/jpeg' })).close());
  const fromCamera = (): Promise<number> =>
    timed(async () => (await camera.fromCamera({ index: 0, contentType: 'image/jpeg' })).close());
  try {
    const cold = await fromFile();
    const opened: number[] = [];
    const bare: number[] = [];
    for (let shot = 0; shot < SHOTS; shot++) {
      opened.push(await fromFile());
      bare.push(await timed(ffmpegShot));
    }
    await fromCamera();
    const kept: number[] = [];
    for (let shot = 0; shot < SHOTS; shot++) kept.push(await fromCamera());
    const baseline = `the ffmpeg program, a process a shot: ${formatMs(median(bare))}`;
    return [
      { what: 'capture: libraries loaded, clip opened, first frame as JPEG', measured: formatMs(cold), baseline },
      {
        what: `capture: clip opened, first frame as JPEG (median of ${SHOTS})`,
        measured: formatMs(median(opened)),
        baseline,
      },
      {
        what: `capture: a shot of an open camera, a 1,000 fps test source (median of ${SHOTS})`,
        measured: formatMs(median(kept)),
        baseline,
      },
    ];
  } finally {
    await camera.close();
  }
}

function ffmpegShot(): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = ['-v', 'error', '-i', CLIP, '-frames:v', '1', '-f', 'mjpeg', '-'];
    const ffmpeg = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    ffmpeg.stdout.resume();
    ffmpeg.on('error', reject);
    ffmpeg.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`ffmpeg ended with code ${String(code)}`));
    });
  });
}
