import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAX_FILE_NAME_LENGTH } from './capture-limits.js';
import type { MediaFile } from './media-file.js';
import { MediaRoot } from './media-root.js';

const SECRET = 'what must not be read';

describe(MediaRoot.name, () => {
  let base: string;
  let root: MediaRoot;

  /** base/work is the working directory, base/work/media the root; secrets lie beside both. */
  beforeAll(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'media-root-')));
    await mkdir(join(base, 'work/media/deep/er'), { recursive: true });
    await mkdir(join(base, 'work/media-of-others'));
    await mkdir(join(base, 'outside'));
    for (const secret of [
      'secret',
      'outside/secret',
      'work/secret',
      'work/media-of-others/secret',
      'work/mediasecret',
    ]) {
      await writeFile(join(base, secret), SECRET);
    }
    for (const file of ['inside', 'deep/er/inside', '..hidden', 'a b ü 写真', 'deep/...']) {
      await writeFile(join(base, 'work/media', file), 'may be read');
    }
    const links = {
      'to-inside': 'inside',
      'deep/to-inside': '../inside',
      'to-deep': 'deep',
      'to-secret': join(base, 'secret'),
      'to-secret-relative': '../../secret',
      'to-work': '..',
      'to-outside': '../../outside',
      'to-slash': '/',
      'to-root': '../media',
      'to-sibling': '../media-of-others',
      'to-link': 'to-secret',
      'to-itself': 'to-itself',
      'to-nothing': 'nothing',
      'to-null': '/dev/null',
      'to-process': '/proc/self',
      'deep/to-work': '../..',
    };
    for (const [name, target] of Object.entries(links)) await symlink(target, join(base, 'work/media', name));
    root = new MediaRoot('media', join(base, 'work'));
  });
  afterAll(() => rm(base, { recursive: true }));

  const read = async (name: string, from = root): Promise<string> => {
    const file = await from.open(name);
    try {
      return (await file.head(100)).toString();
    } finally {
      await file.close();
    }
  };

  it.each([
    'media/inside',
    './media/inside',
    'media//inside',
    'media/./inside',
    'media/deep/er/inside',
    'media/..hidden',
    'media/deep/...',
    'media/a b ü 写真',
    'media/to-inside',
    'media/deep/to-inside',
    'media/to-deep/er/inside',
    'media/to-root/inside',
  ])('opens %j', async (name) => {
    expect(await read(name)).toBe('may be read');
  });

  /** Names that lead out of the root, or try to. `{base}` stands for the temporary directory. */
  const outside = [
    // upwards
    '..',
    '../secret',
    '../../secret',
    'media/../secret',
    'media/..',
    'media/../..',
    'media/../../secret',
    'media/deep/../../secret',
    'media/deep/er/../../../../secret',
    'media/nothing/../../secret',
    './../secret',
    './media/.././../secret',
    'media/./../secret',
    'media//..//secret',
    'media/inside/../../secret',
    'media/../media/inside',
    'media/to-deep/../../secret',
    '../'.repeat(40) + 'etc/passwd',
    // beside the root
    '.',
    './',
    'secret',
    './secret',
    'mediasecret',
    'media-of-others/secret',
    'media',
    'media/',
    './media/.',
    'MEDIA-of-others/../secret',
    // absolute
    '/',
    '/etc/passwd',
    '//etc/passwd',
    '/dev/video0',
    '/dev/zero',
    '/proc/self/environ',
    '/proc/self/fd/0',
    '{base}/secret',
    '{base}/work/media/inside',
    '{base}/work/media/../secret',
    // Windows
    'C:\\Windows\\win.ini',
    'C:/Windows/win.ini',
    'c:secret',
    '\\secret',
    '\\\\server\\share\\secret',
    '//server/share/secret',
    '\\\\?\\C:\\secret',
    '..\\secret',
    'media\\..\\secret',
    'media/..\\secret',
    'media\\inside',
    // other readers of names
    'file:secret',
    'file:///etc/passwd',
    'FILE:///etc/passwd',
    'http://127.0.0.1/secret',
    'https://127.0.0.1/secret',
    'rtsp://127.0.0.1/secret',
    'concat:media/inside|secret',
    'subfile:secret',
    'pipe:0',
    'fd:3',
    'data:text/plain,secret',
    'lavfi:movie=secret',
    // cut short by a NUL, or with other control characters
    'media/inside\0',
    'media/inside\0.jpg',
    '\0',
    'secret\0media/inside',
    'media/\n../secret',
    'media/in\rside',
    'media/in\x1bside',
    'media/in\x7fside',
    // links
    'media/to-secret',
    'media/to-secret-relative',
    'media/to-work/secret',
    'media/to-outside/secret',
    'media/to-slash/etc/passwd',
    'media/to-sibling/secret',
    'media/to-link',
    'media/to-itself',
    'media/to-null',
    'media/to-process/environ',
    'media/deep/to-work/secret',
    'media/to-root',
    // no regular files
    'media/deep',
    'media/deep/',
    'media/to-deep',
    // not a name
    '',
    'media/' + 'a'.repeat(MAX_FILE_NAME_LENGTH),
  ];

  it('is tried with 60 names or more', () => {
    expect(new Set(outside).size).toBeGreaterThanOrEqual(60);
  });

  it.each(outside)('refuses %j', async (name) => {
    await expect(read(name.replace('{base}', base))).rejects.toMatchObject({ code: 'MEDIA.OUTSIDE_ROOT' });
  });

  it.each(['missing', '../missing'].map((name) => `work-${name}`).concat('missing', './missing.jpg'))(
    'does not tell whether there is a file outside: %j',
    async (name) => {
      await expect(read(name)).rejects.toMatchObject({ code: 'MEDIA.OUTSIDE_ROOT' });
    },
  );

  it.each([
    'media/missing',
    'media/inside/below-a-file',
    'media/to-nothing',
    'media/missing/inside',
    // encoded separators and dots are ordinary characters of a name
    'media/%2e%2e/secret',
    'media/..%2fsecret',
    'media/%2e%2e%2fsecret',
    'media/..%c0%afsecret',
    'media/%252e%252e%252fsecret',
    'media/．．/secret',
    'media/‥/secret',
    'media/..;/secret',
    'media/.. /secret',
    'media/~/secret',
    'media/$HOME/secret',
    'media/`id`',
    `media/${'a'.repeat(300)}`,
  ])('finds nothing at %j', async (name) => {
    await expect(read(name)).rejects.toMatchObject({ code: 'MEDIA.NOT_FOUND' });
  });

  it('refuses a FIFO without waiting for its writer', async () => {
    execFileSync('mkfifo', [join(base, 'work/media/fifo')]);
    await expect(read('media/fifo')).rejects.toMatchObject({ code: 'MEDIA.OUTSIDE_ROOT' });
  });

  it('refuses a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(base, 'work/media/socket'), resolve));
    try {
      await expect(read('media/socket')).rejects.toMatchObject({ code: 'MEDIA.OUTSIDE_ROOT' });
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('keeps reading the file it checked when the name comes to mean another one', async () => {
    const exchanged = join(base, 'work/media/exchanged');
    await writeFile(exchanged, 'may be read');
    const file: MediaFile = await root.open('media/exchanged');
    await rm(exchanged);
    await link(join(base, 'secret'), exchanged);
    try {
      expect((await file.head(100)).toString()).toBe('may be read');
      if (process.platform === 'linux') {
        expect(
          execFileSync('cat', ['/dev/fd/3'], { stdio: ['ignore', 'pipe', 'ignore', file.handle.fd] }).toString(),
        ).toBe('may be read');
      }
    } finally {
      await file.close();
      await rm(exchanged);
    }
  });

  it('takes names relative to a root that does not lie below the working directory', async () => {
    const elsewhere = new MediaRoot(join(base, 'work/media'), join(base, 'outside'));
    expect(await read('inside', elsewhere)).toBe('may be read');
    await expect(read('../secret', elsewhere)).rejects.toMatchObject({ code: 'MEDIA.OUTSIDE_ROOT' });
    await expect(read('secret', elsewhere)).rejects.toMatchObject({ code: 'MEDIA.NOT_FOUND' });
  });

  it('follows a root that is a link itself', async () => {
    await symlink('media', join(base, 'work/linked'));
    expect(await read('linked/inside', new MediaRoot('linked', join(base, 'work')))).toBe('may be read');
  });

  it('finds nothing below a root that does not exist', async () => {
    await expect(read('none/inside', new MediaRoot('none', join(base, 'work')))).rejects.toMatchObject({
      code: 'MEDIA.NOT_FOUND',
    });
  });

  it('tells a remedy and repeats no part of the name', async () => {
    await expect(read('../secret')).rejects.toMatchObject({
      message: expect.not.stringContaining('secret'),
      hint: expect.stringContaining('MEDIA_ROOT'),
    });
  });
});
