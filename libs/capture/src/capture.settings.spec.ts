import { z } from 'zod';
import { loadSettings } from '#libs/runtime';
import { captureOptionsFrom, captureSettings } from './capture.settings.js';

describe('the capture settings', () => {
  const schema = z.object(captureSettings);
  const optionsFor = (env: Record<string, string>) => captureOptionsFrom(loadSettings(schema, env));

  it('have defaults', () => {
    expect(optionsFor({})).toEqual({
      mediaRoot: './docs/assets',
      backend: 'auto',
      jpegQuality: 85,
      stripMetadata: false,
      warmUpFrames: 5,
      idleMs: 10_000,
      openTimeoutMs: 10_000,
      frameTimeoutMs: 10_000,
      cameras: {},
    });
  });

  it('name stand-ins for cameras and a resolution', () => {
    const options = optionsFor({ CAMERA_0: 'people.mp4', CAMERA_63: 'testsrc', CAPTURE_RESOLUTION: '1280x720' });
    expect(options).toMatchObject({
      cameras: { 0: 'people.mp4', 63: 'testsrc' },
      resolution: { width: 1280, height: 720 },
    });
  });

  it.each([
    ['CAPTURE_RESOLUTION', 'huge'],
    ['CAPTURE_RESOLUTION', '0x720'],
    ['CAPTURE_BACKEND', 'gstreamer'],
    ['CAPTURE_JPEG_QUALITY', '101'],
    ['CAPTURE_IDLE_MS', '-1'],
  ])('refuse %s=%s by name', (name, value) => {
    expect(() => optionsFor({ [name]: value })).toThrow(name);
  });
});
