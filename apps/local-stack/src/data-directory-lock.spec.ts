import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataDirectory } from './data-directory-lock.js';

describe(lockDataDirectory.name, () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'stack-lock-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('keeps a second stack out, and names the setting, until the first is done', () => {
    const unlock = lockDataDirectory(directory);
    const again = (): unknown => lockDataDirectory(directory);
    expect(again).toThrow(
      expect.objectContaining({ code: 'STACK.DATA_IN_USE', hint: expect.stringContaining('DATA_DIR') }),
    );
    expect(again).toThrow(directory);
    unlock();
    lockDataDirectory(directory)();
  });
});
