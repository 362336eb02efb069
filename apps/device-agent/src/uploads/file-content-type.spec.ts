import { fileContentType } from './file-content-type.js';

describe(fileContentType.name, () => {
  it.each([
    ['picture.txt', 'ffd8ffe000104a46', 'image/jpeg'],
    ['picture', '89504e470d0a1a0a0000000d', 'image/png'],
    ['picture', '474946383961', 'image/gif'],
    ['picture', '524946460000000057454250', 'image/webp'],
    ['sound.wav', '524946460000000057415645', 'application/octet-stream'],
    ['README.MD', '23205370', 'text/markdown; charset=utf-8'],
    ['data.json', '', 'application/json'],
    ['program', '7f454c46', 'application/octet-stream'],
    ['not-a-picture.jpg', '3c68746d6c3e', 'application/octet-stream'],
  ])('takes %s beginning with %s for %s', (path, hex, type) => {
    expect(fileContentType(path, Buffer.from(hex, 'hex'))).toBe(type);
  });
});
