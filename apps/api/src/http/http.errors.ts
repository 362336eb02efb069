import type { ErrorTable } from './error-table.js';

/** What any route may answer before its module is asked. */
export const httpErrors = {
  'REQUEST.INVALID': {
    status: 400,
    title: 'The request is not valid',
    hint: 'Correct what details.problems lists; the Swagger page at / shows a working example.',
  },
  'REQUEST.MALFORMED': {
    status: 400,
    title: 'The request body cannot be read',
    hint: 'Send well-formed JSON as application/json, or a multipart form where the operation asks for one.',
  },
  'REQUEST.NOT_ACCEPTED': {
    status: 400,
    title: 'The request cannot be handled',
    hint: 'Compare the request with the example on the Swagger page at /.',
  },
  'REQUEST.UNAUTHORIZED': {
    status: 401,
    title: 'An API key is required',
    hint: 'Send one of the keys of the setting API_KEYS in the header x-api-key.',
  },
  'REQUEST.FOREIGN_ORIGIN': {
    status: 403,
    title: 'Web pages of this origin may not call the API',
    hint: 'Add the origin to the setting CORS_ORIGINS.',
  },
  'ROUTE.NOT_FOUND': {
    status: 404,
    title: 'No such route',
    hint: 'The Swagger page at / lists every route.',
  },
  'ROUTE.METHOD_NOT_ALLOWED': {
    status: 405,
    title: 'The route does not support this method',
    hint: 'Use one of the methods in the Allow header.',
  },
  'REQUEST.TOO_LARGE': {
    status: 413,
    title: 'The request body is too large',
    hint: 'Send a smaller body; pictures go to POST /blob_storage.',
  },
  'REQUEST.MEDIA_TYPE_NOT_SUPPORTED': {
    status: 415,
    title: 'The media type of the body is not supported',
    hint: 'Send the content type that the Swagger page at / shows for the operation.',
  },
  'REQUEST.HOST_NOT_ALLOWED': {
    status: 421,
    title: 'The API does not serve this host name',
    hint: 'Call it by a name of the setting ALLOWED_HOSTS, or add the name there.',
  },
  'REQUEST.RATE_LIMITED': {
    status: 429,
    title: 'Too many requests',
    hint: 'Wait as many seconds as the Retry-After header says; RATE_LIMIT_PER_MINUTE sets the limit.',
  },
  'SERVER.FAILED': {
    status: 500,
    title: 'The API failed',
    hint: 'Look for the request id in the log of the API.',
  },
} as const satisfies ErrorTable;

/** What every operation that reads a JSON body may answer. */
export const bodyProblems = [
  'REQUEST.INVALID',
  'REQUEST.MALFORMED',
  'REQUEST.TOO_LARGE',
  'REQUEST.MEDIA_TYPE_NOT_SUPPORTED',
] as const;
