import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { CaptureImageFromCameraPayload, CaptureImageFromFilePayload } from './capture-image.js';

function problems(type: new () => object, payload: object): string[] {
  return validateSync(plainToInstance(type, payload)).map(({ property }) => property);
}

describe(CaptureImageFromFilePayload.name, () => {
  it.each(['a.jpg', 'A.JPEG', 'folder/of/pictures/a b-c_1.png', 'v1.2/..a/b...png', '2026-11-23T05:12:00.jpg'])(
    'accepts the blob name %s',
    (blob_name) => {
      expect(problems(CaptureImageFromFilePayload, { filename: 'x', blob_name })).toEqual([]);
    },
  );

  it.each([
    '',
    'a',
    'a.gif',
    'a.jpg.exe',
    '/a.jpg',
    'a//b.jpg',
    './a.jpg',
    '../a.jpg',
    'a/../b.jpg',
    'a/./b.jpg',
    'a\\b.jpg',
    'a%2fb.jpg',
    'a?b.jpg',
    'a#b.jpg',
    'a\0.jpg',
    'a\n.jpg',
    'a.jpg\n',
    '写真.jpg',
    `${'a'.repeat(800)}.jpg`,
  ])('refuses the blob name %j', (blob_name) => {
    expect(problems(CaptureImageFromFilePayload, { filename: 'x', blob_name })).toEqual(['blob_name']);
  });

  it('names every field that is wrong', () => {
    expect(problems(CaptureImageFromFilePayload, { filename: 7, correlation_id: {} })).toEqual(
      expect.arrayContaining(['filename', 'blob_name', 'correlation_id']),
    );
  });
});

describe(CaptureImageFromCameraPayload.name, () => {
  it.each([0, 63, '0', '12'])('accepts the index %j', (index) => {
    const payload = plainToInstance(CaptureImageFromCameraPayload, { index, blob_name: 'a.jpg' });
    expect(validateSync(payload)).toEqual([]);
    expect(payload.index).toBe(Number(index));
  });

  it.each([-1, 64, 1.5, '', ' ', 'one', '1e3', null, true, [0], {}])('refuses the index %j', (index) => {
    expect(problems(CaptureImageFromCameraPayload, { index, blob_name: 'a.jpg' })).toEqual(['index']);
  });
});
