import { ApiError } from '../api-error.js';
import { type JsonAnswer, planJsonAnswer } from './answer-json.js';
import type { JsonSchema } from './json-schema.js';
import type { Question } from './question.js';

/** An object in braces, with at most one level of braces inside. */
const OBJECT = /\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}/g;

/**
 * The JSON answer to instructions that show one ('return json {"num": 3}') instead of giving a schema; undefined when
 * they show none, or one that a detector cannot fill: that is then told in words.
 */
export function planExampleAnswer(instructions: string, question: Question): JsonAnswer | undefined {
  if (!/\bjson\b/i.test(instructions)) return undefined;
  const schema = (instructions.match(OBJECT) ?? []).map(schemaOfExample).find((found) => found !== undefined);
  if (!schema) return undefined;
  try {
    return planJsonAnswer(schema, instructions, question);
  } catch (error) {
    if (error instanceof ApiError) return undefined;
    throw error;
  }
}

function schemaOfExample(text: string): JsonSchema | undefined {
  try {
    return schemaOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The schema of all values like this one. */
function schemaOf(value: unknown): JsonSchema {
  if (typeof value === 'number') return { type: 'integer' };
  if (typeof value === 'string') return { type: 'string' };
  if (typeof value === 'boolean') return { type: 'boolean' };
  if (Array.isArray(value)) return { type: 'array', items: schemaOf(value[0] ?? '') };
  if (value === null) return { type: 'null' };
  const entries = Object.entries(value as object).map(([name, example]) => [name, schemaOf(example)] as const);
  return { type: 'object', properties: Object.fromEntries(entries) };
}
