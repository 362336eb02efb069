import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validate, type ValidationError } from 'class-validator';
import type { PayloadClass } from '#libs/contracts';
import { AppError } from '#libs/runtime';

/**
 * Makes an instance of the contract's class of a method's payload.
 *
 * @throws {@link AppError} `METHOD.PAYLOAD_INVALID` with every broken rule in `details.problems`
 */
export class DirectMethodPayloadPipe implements PipeTransform {
  constructor(private readonly payloadClass: PayloadClass<object>) {}

  async transform(value: unknown, { type }: ArgumentMetadata): Promise<unknown> {
    // Nest runs a method's pipes over all of its arguments; the payload is what it calls the body.
    if (type !== 'body') return value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalidPayload(['the payload must be a JSON object']);
    }
    const payload = plainToInstance(this.payloadClass, value);
    const errors = await validate(payload, {
      whitelist: true,
      forbidNonWhitelisted: true,
      // A method without fields has a class without rules.
      forbidUnknownValues: false,
    });
    if (errors.length > 0) throw invalidPayload(errors.flatMap((error) => problemsOf(error)));
    return payload;
  }
}

/** More would not fit into a reply, and help nobody. */
const MAX_PROBLEMS = 50;
const MAX_PROBLEM_LENGTH = 300;

/** A method called with a payload that it cannot take. */
export function invalidPayload(found: string[]): AppError {
  const problems = found.slice(0, MAX_PROBLEMS).map((problem) => problem.slice(0, MAX_PROBLEM_LENGTH));
  if (found.length > MAX_PROBLEMS) problems.push(`and ${found.length - MAX_PROBLEMS} more`);
  return new AppError('METHOD.PAYLOAD_INVALID', `The payload is not valid: ${problems.join('; ')}.`, {
    hint: 'Send the fields that the method declares, and no others.',
    details: { problems },
  });
}

function problemsOf({ constraints, children, property }: ValidationError): string[] {
  const nested = (children ?? []).flatMap((child) => problemsOf(child).map((problem) => `${property}: ${problem}`));
  return [...Object.values(constraints ?? {}), ...nested];
}
