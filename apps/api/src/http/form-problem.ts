import { AppError } from '#libs/runtime';

/** Every form of ours holds its file in this field. */
export const FORM_FILE_FIELD = 'file';

/** How much of a caller's own words an answer repeats. */
const MAX_NAME_LENGTH = 64;

const FORM_HINT = 'Send multipart/form-data as the Swagger page at / shows it, with the content as the field file.';

/** What multer throws, its name being all there is to tell it by. */
interface MulterError extends Error {
  code: string;
  field?: string;
}

/** Whether `error` says what is wrong with a multipart form. */
export function isFormError(error: unknown): error is MulterError {
  return error instanceof Error && error.name === 'MulterError' && 'code' in error;
}

/** A form that cannot be read, in words for whoever sent it. `maxFileBytes` is the limit of a file that is kept in memory. */
export function formProblem(cause: MulterError, maxFileBytes: number): AppError {
  if (cause.code === 'LIMIT_FILE_SIZE')
    return new AppError('REQUEST.TOO_LARGE', `The picture is larger than ${maxFileBytes} bytes.`, {
      hint: 'Send a smaller picture, or raise AI_SERVICES_MAX_IMAGE_BYTES.',
      details: { limit_bytes: maxFileBytes },
      cause,
    });
  return new AppError('REQUEST.MALFORMED', textOf(cause), { hint: FORM_HINT, cause });
}

/** The refusal of a form whose parser gave up on it, for `reason`. */
export function unreadableForm(reason: string, cause: unknown): AppError {
  return new AppError('REQUEST.MALFORMED', `The form cannot be read: ${reason}.`, { hint: FORM_HINT, cause });
}

function textOf({ code, message, field }: MulterError): string {
  const name = field?.slice(0, MAX_NAME_LENGTH);
  if (code === 'LIMIT_UNEXPECTED_FILE' && name !== FORM_FILE_FIELD)
    return `The form has its file in the field ${name ?? ''}; it belongs into the field ${FORM_FILE_FIELD}.`;
  if (code === 'LIMIT_FILE_COUNT' || code === 'LIMIT_UNEXPECTED_FILE') return 'The form holds more than one file.';
  return `The form cannot be read: ${message}${name === undefined ? '' : ` (${name})`}.`;
}
