import sharp from 'sharp';
import { contentTypeOf, typeOfBytes } from './content-type.js';

const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } });

describe(typeOfBytes.name, () => {
  it.each(['jpeg', 'png', 'gif', 'webp', 'avif', 'tiff'] as const)('knows %s', async (format) => {
    expect(typeOfBytes(await picture.clone().toFormat(format).toBuffer())).toBe(`image/${format}`);
  });

  it.each([
    ['%PDF-1.7', 'application/pdf'],
    ['PK\x03\x04', 'application/zip'],
    ['\0\0\0\x20ftypisom', 'video/mp4'],
    ['  <svg xmlns="x">', 'image/svg+xml'],
    ['<?xml version="1.0"?>\n<!-- by hand --><svg>', 'image/svg+xml'],
    ['<html><svg>', undefined],
    ['hello', undefined],
    ['', undefined],
  ])('of %j says %s', (text, expected) => {
    expect(typeOfBytes(Buffer.from(text, 'latin1'))).toBe(expected);
  });

  it('takes no time for what almost looks like a drawing', () => {
    const started = performance.now();
    typeOfBytes(Buffer.from('<!--'.repeat(1024)));
    typeOfBytes(Buffer.from('<!---->'.repeat(585)));
    typeOfBytes(Buffer.from(' '.repeat(4096)));
    expect(performance.now() - started).toBeLessThan(500);
  });
});

describe(contentTypeOf.name, () => {
  it.each([
    ['hello', 'text/plain', 'text/plain'],
    ['hello', 'Text/Plain; charset=utf-8', 'text/plain'],
    ['hello', 'image/png', 'application/octet-stream'],
    ['hello', 'not a type', 'application/octet-stream'],
    ['hello', 'text/plain\r\nX-Evil: 1', 'application/octet-stream'],
    ['hello', undefined, 'application/octet-stream'],
    ['%PDF-1.7', 'text/plain', 'application/pdf'],
  ])('of %j declared as %s is %s', (text, declared, expected) => {
    expect(contentTypeOf(Buffer.from(text), declared)).toBe(expected);
  });
});
