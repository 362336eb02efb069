/** The error classes of `@azure/identity`, by the names they give themselves. */
const NAMES = new Set(['CredentialUnavailableError', 'AuthenticationError', 'AggregateAuthenticationError']);

/** True when the ambient Azure identity had no token to give, also where the SDK that asked for one has wrapped that. */
export function isCredentialFailure(error: unknown): boolean {
  return (
    error instanceof Error && (NAMES.has(error.name) || (error.cause instanceof Error && NAMES.has(error.cause.name)))
  );
}
