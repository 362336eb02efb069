import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const trackedFiles = execFileSync('git', ['ls-files'], { encoding: 'utf8' }).split('\n').filter(existsSync);

describe('the repository', () => {
  it('has no link to a file that is not there', () => {
    const broken = trackedFiles
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) =>
        [...readFileSync(file, 'utf8').matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)/g)]
          .map(([, target = '']) => join(dirname(file), decodeURIComponent(target)))
          .filter((target) => !existsSync(target))
          .map((target) => `${file} -> ${target}`),
      );
    expect(broken).toEqual([]);
  });

  it('names no registry in its lock file', () => {
    expect(readFileSync('package-lock.json', 'utf8')).not.toMatch(/"resolved": *"https?:/);
  });

  it('imports nothing of ours into the emulator', () => {
    const own = trackedFiles
      .filter((file) => /^apps\/iot-hub-emulator\/.*\.ts$/.test(file))
      .filter((file) =>
        /from '(?:#libs\/|(?:\.\.\/)+(?:libs|api|device-agent|local-))/.test(readFileSync(file, 'utf8')),
      );
    expect(own).toEqual([]);
  });
});
