import sharp from 'sharp';
import { readImageUrl } from './image-input.js';
import { MAXIMUM_IMAGE_BYTES } from './vision/limits.js';

const PARAM = 'messages[0].content[1].image_url.url';
const blank = sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } });
const dataUrl = (type: string, bytes: Uint8Array) => `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;

/** A PNG of a few bytes whose header promises `width` x `height` pixels. */
async function pngThatPromises(width: number, height: number): Promise<Buffer> {
  const png = Buffer.from(await blank.clone().png().toBuffer());
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  return png;
}

describe(readImageUrl, () => {
  it.each(['jpeg', 'png', 'webp', 'gif'] as const)('gives the bytes of a %s', async (format) => {
    const bytes = await blank.clone().toFormat(format).toBuffer();
    await expect(readImageUrl(dataUrl(`image/${format}`, bytes), PARAM)).resolves.toEqual(bytes);
  });

  it.each(['http://127.0.0.1/a.png', 'https://example.com/a.png', 'file:///etc/passwd', '/etc/passwd', 'data:'])(
    'refuses %s without opening it',
    async (url) => {
      await expect(readImageUrl(url, PARAM)).rejects.toThrow('Only data URLs are read');
    },
  );

  it.each([
    ['image_type_not_supported', 'data:image/svg+xml;base64,PHN2Zy8+'],
    ['image_type_not_supported', 'data:text/html;base64,PHN2Zy8+'],
    ['invalid_image_url', 'data:image/png,plain'],
    ['invalid_image_url', 'data:image/png;base64,'],
    ['invalid_image_url', 'data:image/png;base64,no*base64'],
    ['invalid_image', 'data:image/png;base64,AAAA'],
    ['invalid_image', `data:image/jpeg;base64,${Buffer.from([0xff, 0xd8, 0xff, 0, 1]).toString('base64')}`],
    ['invalid_image', `data:image/png;base64,${'A'.repeat(Math.floor(MAXIMUM_IMAGE_BYTES / 3) * 4)}`],
    ['image_too_large', `data:image/png;base64,${'A'.repeat((MAXIMUM_IMAGE_BYTES / 3) * 4 + 4)}`],
  ])('refuses with %s', async (code, url) => {
    const refusal = await readImageUrl(url, PARAM).catch((error: unknown) => error);
    expect(JSON.parse(JSON.stringify(refusal))).toMatchObject({ error: { code, param: PARAM } });
  });

  it('refuses a lie about the type', async () => {
    const url = dataUrl('image/jpeg', await blank.clone().png().toBuffer());
    await expect(readImageUrl(url, PARAM)).rejects.toThrow('says image/jpeg, but its bytes are image/png');
  });

  it('refuses a decompression bomb from its header', async () => {
    const url = dataUrl('image/png', await pngThatPromises(50_000, 50_000));
    await expect(readImageUrl(url, PARAM)).rejects.toThrow('more than 40000000 pixels');
  });
});
