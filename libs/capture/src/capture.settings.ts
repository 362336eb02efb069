import { z } from 'zod';
import { MAX_CAMERA_INDEX } from '#libs/contracts';
import { flagSetting } from '#libs/runtime';
import { CAPTURE_BACKENDS } from './load-frame-source.js';
import type { CaptureOptions } from './still-capture.js';

const cameraIndexes = Array.from({ length: MAX_CAMERA_INDEX + 1 }, (_, index) => index);
type CameraSettings = Partial<Record<`CAMERA_${number}`, string>>;

const milliseconds = (most: number) => z.coerce.number().int().min(0).max(most);

const cameraSettings: Record<string, z.ZodOptional<z.ZodString>> = Object.fromEntries(
  cameraIndexes.map((index) => [`CAMERA_${index}`, z.string().optional()]),
);

const fixedSettings = {
  MEDIA_ROOT: z.string().default('./docs/assets'),
  CAPTURE_BACKEND: z.enum(CAPTURE_BACKENDS).default('auto'),
  CAPTURE_JPEG_QUALITY: z.coerce.number().int().min(1).max(100).default(85),
  /** Such as `1280x720`. */
  CAPTURE_RESOLUTION: z
    .string()
    .regex(/^[1-9]\d{0,4}x[1-9]\d{0,4}$/, 'must be WIDTHxHEIGHT, such as 1280x720')
    .optional(),
  CAPTURE_STRIP_METADATA: flagSetting.default(false),
  CAPTURE_WARM_UP_FRAMES: z.coerce.number().int().min(0).max(300).default(5),
  CAPTURE_IDLE_MS: milliseconds(3_600_000).default(10_000),
  CAPTURE_OPEN_TIMEOUT_MS: milliseconds(120_000).default(10_000),
  CAPTURE_FRAME_TIMEOUT_MS: milliseconds(120_000).default(10_000),
};

/** The settings of this library, to be spread into an application's schema: `z.object({ ...captureSettings, … })`. */
export const captureSettings = { ...fixedSettings, ...cameraSettings };

/** What {@link captureSettings} becomes once it is read. */
export type CaptureSettings = z.infer<z.ZodObject<typeof fixedSettings>> & CameraSettings;

/** Turns settings that were read into the options of `StillCapture`. */
export function captureOptionsFrom(settings: CaptureSettings): CaptureOptions {
  const [width, height] = (settings.CAPTURE_RESOLUTION ?? '').split('x').map(Number);
  const cameras = cameraIndexes.flatMap((index) => {
    const source = settings[`CAMERA_${index}`];
    return source === undefined ? [] : [[index, source] as const];
  });
  return {
    mediaRoot: settings.MEDIA_ROOT,
    backend: settings.CAPTURE_BACKEND,
    jpegQuality: settings.CAPTURE_JPEG_QUALITY,
    ...(width && height ? { resolution: { width, height } } : {}),
    stripMetadata: settings.CAPTURE_STRIP_METADATA,
    warmUpFrames: settings.CAPTURE_WARM_UP_FRAMES,
    idleMs: settings.CAPTURE_IDLE_MS,
    openTimeoutMs: settings.CAPTURE_OPEN_TIMEOUT_MS,
    frameTimeoutMs: settings.CAPTURE_FRAME_TIMEOUT_MS,
    cameras: Object.fromEntries(cameras),
  };
}
