import { METHOD_FAILURE_STATUSES } from './method-failure-statuses.js';

describe('METHOD_FAILURE_STATUSES', () => {
  it.each([
    ['MEDIA.OUTSIDE_ROOT', 403],
    ['MEDIA.NOT_FOUND', 404],
    ['CAMERA.NOT_FOUND', 404],
    ['CAMERA.BUSY', 409],
    ['MEDIA.TOO_LARGE', 413],
    ['UPLOAD.FAILED', 502],
    ['UPLOAD.REFUSED', 502],
    ['UPLOAD.UNREACHABLE', 502],
  ])('answers %s with %d', (code, status) => {
    expect(METHOD_FAILURE_STATUSES[code]).toBe(status);
  });
});
