import { type ArgumentMetadata, ValidationPipe } from '@nestjs/common';
import { AppError } from '#libs/runtime';
import type { ValidationError } from 'class-validator';

/** More than these help nobody, and a body may hold thousands of unknown fields. */
const MAX_PROBLEMS = 50;

const REQUIRED = 'is required';
const UNKNOWN = 'should not exist';

/** With a value of a wrong type, every other rule is broken too, and says nothing more. */
const TYPE_RULES = ['isString', 'isInt', 'isBoolean', 'isObject', 'isDate'];

/** Turns bodies and queries into their DTOs; unknown fields and broken rules are a `REQUEST.INVALID` that lists them all. */
export function createValidationPipe(): ValidationPipe {
  return new BodyIsObjectPipe({
    transform: true,
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    stopAtFirstError: false,
    // The value tells whether there is one; what was rejected stays out of errors and logs.
    validationError: { target: false, value: true },
    exceptionFactory: (errors) => {
      const all = errors.flatMap((error) => describe(error));
      const more = all.length - MAX_PROBLEMS;
      return invalid(more > 0 ? [...all.slice(0, MAX_PROBLEMS), `and ${more} more`] : all);
    },
  });
}

/** Tells a body that is no object from one whose fields are missing. */
class BodyIsObjectPipe extends ValidationPipe {
  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (metadata.type === 'body' && !isObject) throw invalid(['the body must be a JSON object']);
    return super.transform(value, metadata);
  }
}

function invalid(problems: string[]): AppError {
  return new AppError('REQUEST.INVALID', problems.join('; '), { details: { problems } });
}

function describe({ property, value, constraints = {}, children = [] }: ValidationError, parent = ''): string[] {
  const path = parent + property;
  const own = brokenRules(constraints, value).map((message) =>
    message.startsWith(property)
      ? parent + message
      : `${path}${message === REQUIRED || message === UNKNOWN ? ' ' : ': '}${message}`,
  );
  return [...own, ...children.flatMap((child) => describe(child, `${path}.`))];
}

/** What to say of a field: that it is missing, or of a wrong type, or else every rule that it breaks. */
function brokenRules(constraints: Readonly<Record<string, string>>, value: unknown): string[] {
  const rules = Object.entries(constraints);
  if (rules.length === 0) return [];
  if (value === undefined) return [constraints.isDefined ?? REQUIRED];
  if (constraints.whitelistValidation) return [UNKNOWN];
  const type = rules.find(([rule]) => TYPE_RULES.includes(rule));
  return type ? [type[1]] : rules.map(([, message]) => message);
}
