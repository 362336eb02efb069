import { spawnSync } from 'node:child_process';

/** Whether the `ffmpeg` program is here; tests that need it are skipped without it, and say so. */
export const hasFfmpegProgram = spawnSync('ffmpeg', ['-version']).status === 0;

if (!hasFfmpegProgram) console.warn('Skipped: tests of the ffmpeg program, because it is not installed here.');
