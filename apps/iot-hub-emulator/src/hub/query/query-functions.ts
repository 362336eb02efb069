import type { FunctionSignature } from './expression-reader.js';

const TYPE_TEST_NAMES = [
  'IS_ARRAY',
  'IS_BOOL',
  'IS_DEFINED',
  'IS_NULL',
  'IS_NUMBER',
  'IS_OBJECT',
  'IS_PRIMITIVE',
  'IS_STRING',
] as const;
const TEXT_TEST_NAMES = ['STARTSWITH', 'ENDSWITH'] as const;

/** Functions that ask for the type of a value. */
export type TypeTest = (typeof TYPE_TEST_NAMES)[number];

/** Functions of queries, by their names in upper case. */
export const QUERY_FUNCTIONS: ReadonlyMap<string, FunctionSignature> = new Map<string, FunctionSignature>([
  ...TYPE_TEST_NAMES.map((name) => [name, { parameters: [1, 1] }] as const),
  ['IS_DEFINED', { parameters: [1, 1], takesName: true }],
  ...TEXT_TEST_NAMES.map((name) => [name, { parameters: [2, 2] }] as const),
]);

/**
 * Functions a message route has and a twin query has not, with the twin query's own where there is one. The hub was seen
 * to refuse them: https://github.com/MicrosoftDocs/azure-docs/issues/110329 (STARTS_WITH), …/issues/105649 (CONTAINS).
 */
export const FUNCTIONS_OF_ROUTES: ReadonlyMap<string, string> = new Map([
  ['STARTS_WITH', ' In a query it is called STARTSWITH.'],
  ['ENDS_WITH', ' In a query it is called ENDSWITH.'],
  ...'ABS AS_NUMBER CEILING CONCAT CONTAINS EXP FLOOR INDEX_OF LENGTH LOWER POWER SIGN SQRT SQUARE SUBSTRING UPPER'
    .split(' ')
    .map((name): [string, string] => [name, '']),
]);

/** Whether a function asks for a type. */
export const isTypeTest = (name: string): name is TypeTest => (TYPE_TEST_NAMES as readonly string[]).includes(name);
