import { AppError } from '#libs/runtime';
import { FORM_FILE_FIELD } from '../../../http/form-problem.js';

const QUERY_PARAMETERS = ['blob_name', 'overwrite'];

/**
 * Refuses a form with text in it, and says where that belongs.
 *
 * @throws {@link AppError} `REQUEST.INVALID`
 */
export function assertFileAlone(fields: unknown): void {
  const names = typeof fields === 'object' && fields !== null ? Object.keys(fields) : [];
  if (names.length === 0) return;
  const problems = names.map(problemOf);
  throw new AppError('REQUEST.INVALID', problems.join('; '), { details: { problems } });
}

function problemOf(name: string): string {
  if (name === FORM_FILE_FIELD) return `${name} must be a file, not text`;
  if (QUERY_PARAMETERS.includes(name)) return `${name} is a query parameter: POST /blob_storage?${name}=…`;
  return `the form must hold nothing but the field ${FORM_FILE_FIELD}; ${name} should not exist`;
}
