import { StillCapture } from './still-capture.js';
describe('x', () => {
  it.each(['node-av', 'ffmpeg'] as const)('works %s', async (backend) => {
    const c = new StillCapture({
      backend,
      cameras: { 0: 'docs/assets/people.mp4', 1: 'testsrc=size=640x480:rate=30' },
    });
    console.log(await c.listCameras());
    for (let i = 0; i < 12; i++) {
      const t = performance.now();
      const p = await c.fromCamera({ index: 0, contentType: 'image/jpeg' });
      console.log(backend, i, performance.now() - t, p.width, p.sizeBytes);
    }
    for (let i = 0; i < 4; i++) {
      const t = performance.now();
      const p = await c.fromCamera({ index: 1, contentType: 'image/jpeg' });
      console.log(backend, i, performance.now() - t, p.width, p.sizeBytes);
    }
    await c.close();
  });
});
