import { AppError } from '#libs/runtime';

/** Azure's longest blob name, in characters. */
const MAX_STORED_BLOB_NAME_LENGTH = 1_024;

/**
 * Refuses a name that cannot be kept as it is: `.` and `..` segments would be resolved away in the URL (and `..` would
 * leave the container), and storage reads a backslash as a slash.
 *
 * @throws {@link AppError} `BLOB.NAME_INVALID` with the rule that is broken.
 * @see https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata
 */
export function assertBlobName(name: string): void {
  const problem = problemOf(name);
  if (problem !== undefined) throw invalid(problem);
}

/**
 * Refuses, beyond {@link assertBlobName}, a name with empty segments (`a//b`, `/a`): such blobs of others can be read, but
 * folders without a name are not made here, nor by devices.
 *
 * @throws {@link AppError} `BLOB.NAME_INVALID` with the rule that is broken.
 */
export function assertNewBlobName(name: string): void {
  assertBlobName(name);
  if (name.split('/').includes('')) throw invalid('begins with a slash or holds two in a row');
}

function invalid(problem: string): AppError {
  return new AppError('BLOB.NAME_INVALID', `The blob name ${problem}.`, {
    hint: 'Use a name such as device001/2025/picture.jpg.',
  });
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name.length > MAX_STORED_BLOB_NAME_LENGTH) return `is longer than ${MAX_STORED_BLOB_NAME_LENGTH} characters`;
  if (!name.isWellFormed()) return 'is not valid Unicode';
  if (/[\p{Cc}\\]/u.test(name)) return 'holds a control character or a backslash';
  if (name.split('/').some((segment) => segment === '.' || segment === '..')) return 'holds a . or .. segment';
  if (/[./]$/.test(name)) return 'ends in a dot or a slash';
  return undefined;
}
