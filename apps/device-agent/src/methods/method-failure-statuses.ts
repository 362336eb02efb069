import { CAPTURE_ERROR_STATUS } from '#libs/capture';

/** The status that each failure of a direct method is answered with; a code that is not here is a 500. */
export const METHOD_FAILURE_STATUSES: Readonly<Record<string, number>> = {
  ...CAPTURE_ERROR_STATUS,
  'UPLOAD.FAILED': 502,
  'UPLOAD.REFUSED': 502,
  'UPLOAD.UNREACHABLE': 502,
};
