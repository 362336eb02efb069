import { ApiError } from '../api-error.js';
import { MAXIMUM_OBJECTS } from '../vision/limits.js';
import type { Observations, Parts } from '../vision/observations.js';
import { ANY_OBJECT, count, type Countable, countByLabel, findCountables } from './countable.js';
import type { JsonSchema } from './json-schema.js';
import type { Question } from './question.js';

/** How to fill a schema: the parts of the engine it needs, and the value from what they saw. */
export interface JsonAnswer {
  readonly parts: Parts;
  fill(seen: Observations): unknown;
}

interface Context {
  /** Where the schema stands, for error messages: `counts.people`. */
  readonly path: string;
  readonly name: string;
  readonly instructions: string;
  readonly question: Question;
}

const MAXIMUM_DEPTH = 4;
const NOTHING: Parts = { objects: false, text: false, colours: false };

/** Words of a property's name that say that it is a count, but not of what. */
const COUNT_WORDS = new Set(
  'num number numbers count counts counted total n nr of quantity amount how many detected found visible seen in the image picture photo'.split(
    ' ',
  ),
);
const LABEL_WORDS = new Set([
  'label',
  'labels',
  'object',
  'objects',
  'class',
  'classes',
  'tags',
  'things',
  'items',
  'detections',
]);
const TEXT_WORDS = new Set(['text', 'texts', 'words', 'lines', 'ocr', 'transcript', 'transcription']);
const COLOUR_WORDS = new Set(['color', 'colors', 'colour', 'colours']);

/**
 * Plans the answer to a JSON schema that asks for counts, labels, text or colours.
 *
 * @throws {@link ApiError} `unsupported_json_schema` naming the property that asks for anything else.
 */
export function planJsonAnswer(schema: JsonSchema, instructions: string, question: Question): JsonAnswer {
  if (!allows(schema, 'object')) throw unsupported('', 'its root must be an object');
  return planObject(schema, { path: '', name: '', instructions, question });
}

function plan(schema: JsonSchema, context: Context): JsonAnswer {
  if (context.path.split('.').length > MAXIMUM_DEPTH) throw unsupported(context.path, 'it is nested too deeply');
  if (allows(schema, 'integer') || allows(schema, 'number')) return planCount(schema, context);
  if (allows(schema, 'array')) return planArray(schema, context);
  if (allows(schema, 'object')) return planObject(schema, context);
  if (allows(schema, 'string')) return planString(context);
  throw unsupported(context.path, 'a value of its type is nothing a detector can tell');
}

function planObject({ properties, required = [], additionalProperties }: JsonSchema, context: Context): JsonAnswer {
  const missing = required.find((name) => !Object.hasOwn(properties ?? {}, name));
  if (missing !== undefined) throw unsupported(join(context, missing), 'it is required but not described');
  const entries = Object.entries(properties ?? {}).map(
    ([name, schema]) => [name, plan(schema, { ...context, name, path: join(context, name) })] as const,
  );
  if (entries.length === 0) return planCountMap(additionalProperties, context);
  return {
    parts: merge(entries.map(([, answer]) => answer.parts)),
    fill: (seen) => Object.fromEntries(entries.map(([name, answer]) => [name, answer.fill(seen)])),
  };
}

/** An object without listed properties: numbers by label. */
function planCountMap(values: JsonSchema['additionalProperties'], { path }: Context): JsonAnswer {
  if (typeof values !== 'object' || !(allows(values, 'integer') || allows(values, 'number'))) {
    throw unsupported(path, 'an object must list its properties, or have numbers as additionalProperties');
  }
  checkRange(values, path);
  return { parts: { ...NOTHING, objects: true }, fill: ({ objects }) => Object.fromEntries(countByLabel(objects)) };
}

function planCount(schema: JsonSchema, context: Context): JsonAnswer {
  checkRange(schema, context.path);
  const countables = whatToCount(schema, context);
  return {
    parts: { ...NOTHING, objects: true },
    fill: ({ objects }) => count({ ...ANY_OBJECT, labels: countables.flatMap(({ labels }) => labels) }, objects),
  };
}

/** The property's name decides; if it only says "a number", its description, then the question, then the instructions. */
function whatToCount(
  { description = '' }: JsonSchema,
  { name, path, instructions, question }: Context,
): readonly Countable[] {
  const words = wordsOf(name);
  const rest = words.filter((word) => !COUNT_WORDS.has(word));
  const named = findCountables(rest.join(' '));
  if (named.length > 0) return named;
  if (rest.length > 0) throw unsupported(path, `the detector has no label for "${rest.join(' ')}"`);
  const described = findCountables(description);
  if (described.length > 0) return described;
  if (question.uncountable !== undefined) {
    throw unsupported(path, `the detector has no label for "${question.uncountable}"`);
  }
  if (question.counts.length > 0) return question.counts;
  const mentioned = findCountables(instructions);
  return mentioned.length > 0 ? mentioned : [ANY_OBJECT];
}

function planArray({ items }: JsonSchema, { name, path }: Context): JsonAnswer {
  const words = wordsOf(name);
  if (!items || !allows(items, 'string')) throw unsupported(path, 'an array must be of strings');
  if (words.some((word) => TEXT_WORDS.has(word))) {
    return { parts: { ...NOTHING, text: true }, fill: ({ text }) => text };
  }
  if (words.some((word) => COLOUR_WORDS.has(word))) {
    return { parts: { ...NOTHING, colours: true }, fill: ({ colours }) => colours.map((colour) => colour.name) };
  }
  if (words.some((word) => LABEL_WORDS.has(word))) {
    return {
      parts: { ...NOTHING, objects: true },
      fill: ({ objects }) => countByLabel(objects).map(([label]) => label),
    };
  }
  throw unsupported(path, 'its name asks for neither labels nor text');
}

function planString({ name, path }: Context): JsonAnswer {
  const words = wordsOf(name);
  if (words.some((word) => TEXT_WORDS.has(word))) {
    return { parts: { ...NOTHING, text: true }, fill: ({ text }) => text.join('\n') };
  }
  if (words.some((word) => COLOUR_WORDS.has(word))) {
    return { parts: { ...NOTHING, colours: true }, fill: ({ colours }) => colours[0]?.name ?? 'none' };
  }
  throw unsupported(path, 'a string can only be the text in the picture');
}

/** A count lies between 0 and the most objects reported; a narrower range could not be promised. */
function checkRange({ minimum = 0, maximum = MAXIMUM_OBJECTS }: JsonSchema, path: string): void {
  if (minimum > 0 || maximum < MAXIMUM_OBJECTS) {
    throw unsupported(path, `its range must include 0 to ${MAXIMUM_OBJECTS}`);
  }
}

function allows({ type }: JsonSchema, wanted: string): boolean {
  return Array.isArray(type) ? type.some((one) => one === wanted) : type === wanted;
}

/** `peopleCount`, `people_count` and `people-count` are `people` and `count`. */
function wordsOf(name: string): string[] {
  return (name.replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2').match(/\p{L}+/gu) ?? []).map((word) => word.toLowerCase());
}

function merge(parts: readonly Parts[]): Parts {
  return {
    objects: parts.some(({ objects }) => objects),
    text: parts.some(({ text }) => text),
    colours: parts.some(({ colours }) => colours),
  };
}

function join({ path }: Context, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function unsupported(path: string, reason: string): ApiError {
  const subject = path === '' ? 'The JSON schema' : `The property "${path}" of the JSON schema`;
  return new ApiError(
    `${subject} cannot be filled by a local detector: ${reason}. Ask for counts ({"people": integer}), labels (an array of strings), ` +
      'text or colours, or use a vision model.',
    { code: 'unsupported_json_schema', param: 'response_format.json_schema.schema' },
  );
}
