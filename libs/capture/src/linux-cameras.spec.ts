import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listDeviceFiles } from './linux-cameras.js';

describe(listDeviceFiles.name, () => {
  it('lists cameras by number, without metadata nodes and codecs', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'video4linux-'));
    const nodes = {
      video10: ['bcm2835-codec-decode', '0'],
      video2: ['Yard', '0'],
      video1: ['Door', '1'],
      video0: ['Door', '0'],
    };
    for (const [node, [name, index]] of Object.entries(nodes)) {
      await mkdir(join(directory, node));
      await writeFile(join(directory, node, 'name'), `${name ?? ''}\n`);
      await writeFile(join(directory, node, 'index'), `${index ?? ''}\n`);
    }
    await mkdir(join(directory, 'v4l-subdev0'));
    await mkdir(join(directory, 'video3'));
    try {
      expect(await listDeviceFiles(directory)).toEqual([
        { number: 0, name: 'Door' },
        { number: 2, name: 'Yard' },
        { number: 3, name: 'video3' },
      ]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('lists nothing where there is no camera', async () => {
    expect(await listDeviceFiles(join(tmpdir(), 'no-such-directory'))).toEqual([]);
  });
});
