import { applyDecorators } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { errorCatalogue, type ErrorCode } from './error-catalogue.js';
import { Problem } from './problem.dto.js';

/** What every operation may answer, whatever it does. */
const COMMON_CODES: readonly ErrorCode[] = [
  'REQUEST.NOT_ACCEPTED',
  'REQUEST.UNAUTHORIZED',
  'REQUEST.FOREIGN_ORIGIN',
  'REQUEST.HOST_NOT_ALLOWED',
  'REQUEST.RATE_LIMITED',
  'SERVER.FAILED',
];

/**
 * Documents the problems that an operation answers with, by status and with one example a code, and as the default
 * response those that every operation has.
 */
export function ApiProblems(...codes: ErrorCode[]): MethodDecorator {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = errorCatalogue[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return applyDecorators(
    ApiExtraModels(Problem),
    ...[...byStatus].map(([status, sameStatus]) => describeResponse(status, sameStatus)),
    describeResponse('default', COMMON_CODES),
  );
}

function describeResponse(status: number | 'default', codes: readonly ErrorCode[]): MethodDecorator {
  return ApiResponse({
    status,
    description: codes.map((code) => `\`${code}\`: ${errorCatalogue[code].title}.`).join(' '),
    content: {
      'application/problem+json': {
        schema: { $ref: getSchemaPath(Problem) },
        examples: Object.fromEntries(codes.map((code) => [code, { value: exampleOf(code) }])),
      },
    },
  });
}

function exampleOf(code: ErrorCode): Problem {
  const { title, status, hint } = errorCatalogue[code];
  return {
    type: `urn:spyglass:error:${code}`,
    title,
    status,
    detail: `${title}.`,
    code,
    hint,
    request_id: '0b9a3c1e-7d52-4c8e-9f0e-2f6a1d3b5c7e',
  };
}
