/** How many causes of causes are written. */
const MAX_CAUSES = 5;

/**
 * What the log says of an error: name, code, message, stack and causes, and no other field, since the errors of SDKs
 * carry whole requests and responses with their credentials.
 */
export function errorFields(error: unknown, causesLeft = MAX_CAUSES): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : { type: typeof error };
  const { code } = error as NodeJS.ErrnoException;
  return {
    type: error.name,
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    message: error.message,
    stack: error.stack,
    ...(error.cause !== undefined && causesLeft > 0 && { cause: errorFields(error.cause, causesLeft - 1) }),
  };
}
