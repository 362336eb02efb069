import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EmulatorOptionError } from '../emulator-options.js';
import { makeFolder } from './make-folder.js';

describe(makeFolder.name, () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'folder-spec-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it('makes what is missing, and is content with what is there', async () => {
    const folder = path.join(root, 'a', 'b', 'c');
    for (let times = 0; times < 2; times += 1) {
      await makeFolder(folder);
      expect((await stat(folder)).isDirectory()).toBe(true);
    }
    await Promise.all([makeFolder(path.join(root, 'x', 'y')), makeFolder(path.join(root, 'x', 'z'))]);
  });

  it.each([
    ['a file', 'file', 'EEXIST'],
    ['a folder in a file', 'file/folder', 'ENOTDIR'],
  ])('refuses %s', async (_what, name, code) => {
    await writeFile(path.join(root, 'file'), '');
    const refused = makeFolder(path.join(root, name));
    await expect(refused).rejects.toThrow(EmulatorOptionError);
    await expect(refused).rejects.toThrow(code);
    await expect(refused).rejects.toThrow('--data-dir');
  });

  // Such a file system is there on Linux alone.
  const itBelowProc = process.platform === 'linux' ? it : it.skip;
  itBelowProc.each(['/proc/x', '/proc/x/y/z'])('refuses %s at once', async (folder) => {
    await expect(makeFolder(folder)).rejects.toThrow(/^The folder cannot be used \(ENOENT.*\/proc\/x'\): choose/);
  });
});
