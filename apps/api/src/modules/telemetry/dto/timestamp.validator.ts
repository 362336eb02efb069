import { applyDecorators } from '@nestjs/common';
import { Transform } from 'class-transformer';
import { IsDate } from 'class-validator';
import { isISO8601 } from 'class-validator';

/** A day in UTC, or a moment with its offset: without one it would mean whatever zone the server is in. */
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** Reads a query parameter as a moment. */
export function IsTimestamp(): PropertyDecorator {
  return applyDecorators(
    Transform(({ value }: { value: unknown }) =>
      typeof value === 'string' && TIMESTAMP.test(value) && isISO8601(value, { strict: true })
        ? new Date(value)
        : value,
    ),
    IsDate({
      message:
        '$property must be a moment such as 2025-01-31T12:00:00Z, or a day such as 2025-01-31 (%2B for a + in it)',
    }),
  );
}
