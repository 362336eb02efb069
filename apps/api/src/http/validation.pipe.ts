import { ValidationPipe } from '@nestjs/common';
import { AppError } from '#libs/runtime';
import type { ValidationError } from 'class-validator';

/** More than these help nobody, and a body may hold thousands of unknown fields. */
const MAX_PROBLEMS = 50;

/** Turns bodies and queries into their DTOs; unknown fields and broken rules are a `REQUEST.INVALID` that lists them all. */
export function createValidationPipe(): ValidationPipe {
  return new ValidationPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: false,
    // The rejected values stay out of errors and logs.
    validationError: { target: false, value: false },
    exceptionFactory: (errors) => {
      const all = errors.flatMap((error) => describe(error));
      const more = all.length - MAX_PROBLEMS;
      const problems = more > 0 ? [...all.slice(0, MAX_PROBLEMS), `and ${more} more`] : all;
      return new AppError('REQUEST.INVALID', problems.join('; '), { details: { problems } });
    },
  });
}

function describe({ property, constraints = {}, children = [] }: ValidationError, parent = ''): string[] {
  const path = parent + property;
  const own = Object.values(constraints).map((message) =>
    message.startsWith(property) ? parent + message : `${path}: ${message}`,
  );
  return [...own, ...children.flatMap((child) => describe(child, `${path}.`))];
}
