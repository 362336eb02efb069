import { HubError } from '../errors/hub-errors.js';

/** Longest blob name. @see https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata */
const MAX_BLOB_NAME_LENGTH = 1024;

/**
 * The full name of a device's blob, `{deviceId}/{requested}`.
 *
 * @throws {@link HubError} `ArgumentInvalid` for names that leave the device's folder or that no client can address:
 *   `.` and `..` segments, backslashes, control characters, broken UTF-16, too long ones.
 */
export function deviceBlobName(deviceId: string, requested: unknown): string {
  if (typeof requested !== 'string' || requested === '') throw invalid('blobName must be a non-empty text.');
  if (!requested.isWellFormed()) throw invalid('blobName is not valid Unicode.');
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (/[\u0000-\u001f\u007f-\u009f\\]/.test(requested)) {
    throw invalid('blobName must hold no backslash and no control character.');
  }
  if (requested.split('/').some((segment) => segment === '' || segment === '.' || segment === '..')) {
    throw invalid("blobName must have no empty, '.' or '..' segment.");
  }
  const blobName = `${deviceId}/${requested}`;
  if (blobName.length > MAX_BLOB_NAME_LENGTH) {
    throw invalid(`blobName is too long: with the device id at most ${MAX_BLOB_NAME_LENGTH} characters.`);
  }
  return blobName;
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message);
}
