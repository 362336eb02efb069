import { destination, pino, type Logger } from 'pino';
import { errorFields } from './error-fields.js';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields that may hold a secret; they are written as `[redacted]` at any of these places. */
const REDACTED_FIELDS = ['connectionString', 'sasToken', 'apiKey', 'password', 'authorization'].flatMap((field) => [
  field,
  `*.${field}`,
]);

/** A logger that writes one JSON object a line to stderr, so that stdout stays free for data. */
export function createLogger({ name, level }: { name: string; level: LogLevel }): Logger {
  return pino(
    {
      name,
      level,
      redact: { paths: REDACTED_FIELDS, censor: '[redacted]' },
      serializers: { err: (error: unknown) => errorFields(error) },
    },
    destination(2),
  );
}
