import type { ErrorTable } from '../../http/error-table.js';

/** What goes wrong between the API and the blob storage. */
export const blobStorageErrors = {
  'BLOB.NAME_INVALID': {
    status: 400,
    title: 'The blob name is not valid',
    hint: 'Use a name such as device001/2025/picture.jpg.',
  },
  'BLOB.UPLOAD_INCOMPLETE': {
    status: 400,
    title: 'The upload ended before all of its bytes arrived',
    hint: 'Nothing was stored: send it again.',
  },
  'BLOB.FILE_MISSING': {
    status: 400,
    title: 'The form has no file',
    hint: 'Send multipart/form-data with the content as the field file.',
  },
  'BLOB.NOT_FOUND': {
    status: 404,
    title: 'There is no blob of that name',
    hint: 'GET /blob_storage lists the blobs.',
  },
  'BLOB.ALREADY_EXISTS': {
    status: 409,
    title: 'A blob of that name exists already',
    hint: 'Choose another name, or add overwrite=true.',
  },
  'BLOB.LOCKED': {
    status: 409,
    title: 'The blob is locked',
    hint: 'A lease, a retention policy or an archive tier holds it: release it in the storage.',
  },
  'BLOB.CHANGED': {
    status: 409,
    title: 'The blob was changed by someone else meanwhile',
    hint: 'Repeat the request.',
  },
  'BLOB.TOO_LARGE': {
    status: 413,
    title: 'The blob is larger than the operation accepts',
    hint: 'Use a smaller one; details.limit_bytes gives the limit.',
  },
  'BLOB.RANGE_NOT_SATISFIABLE': {
    status: 416,
    title: 'The range lies beyond the end of the blob',
    hint: 'The header Content-Range of this answer gives its size.',
  },
  'BLOB_STORAGE.ACCESS_DENIED': {
    status: 502,
    title: 'The blob storage refuses the credentials of the API',
    hint: 'Check the BLOB_STORAGE_ settings, that a SAS has not expired, and that the clock is right.',
  },
  'BLOB_STORAGE.CONTAINER_NOT_FOUND': {
    status: 502,
    title: 'The blob container does not exist',
    hint: 'Create it, or correct BLOB_STORAGE_CONTAINER_NAME.',
  },
  'BLOB_STORAGE.FAILED': {
    status: 502,
    title: 'The blob storage has failed',
    hint: 'Repeat the request; if it lasts, look at the log of the API.',
  },
  'BLOB_STORAGE.UNREACHABLE': {
    status: 502,
    title: 'The blob storage cannot be reached',
    hint: 'Check that it runs, its endpoint in the settings, and CA_FILE.',
  },
  'BLOB_STORAGE.NOT_CONFIGURED': {
    status: 503,
    title: 'No blob storage is configured',
    hint: 'Set BLOB_STORAGE_CONNECTION_STRING, or BLOB_STORAGE_ACCOUNT_NAME with or without BLOB_STORAGE_SAS_TOKEN.',
  },
  'BLOB_STORAGE.THROTTLED': {
    status: 503,
    title: 'The blob storage is busy',
    hint: 'Try again in a few seconds.',
  },
  'BLOB_STORAGE.TIMEOUT': {
    status: 504,
    title: 'The blob storage did not answer in time',
    hint: 'Repeat the request; if it lasts, check the network between API and storage.',
  },
} as const satisfies ErrorTable;

/** What every call to the storage may end in. */
export const storageProblems = [
  'BLOB_STORAGE.ACCESS_DENIED',
  'BLOB_STORAGE.CONTAINER_NOT_FOUND',
  'BLOB_STORAGE.FAILED',
  'BLOB_STORAGE.UNREACHABLE',
  'BLOB_STORAGE.NOT_CONFIGURED',
  'BLOB_STORAGE.THROTTLED',
  'BLOB_STORAGE.TIMEOUT',
] as const;
