import { z } from 'zod';
import { type JsonSchema, jsonSchema } from './answer/json-schema.js';
import { ApiError } from './api-error.js';

/** The only model there is; its name says what it is. */
export const MODEL = 'local-detector';

const MAXIMUM_MESSAGES = 256;
const MAXIMUM_PROMPT_CHARACTERS = 20_000;
const MAXIMUM_SCHEMA_CHARACTERS = 8_000;

const contentPart = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) }),
]);

const message = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z
    .union([z.string(), z.array(contentPart)], 'must be a text or a list of text and image_url parts')
    .nullish(),
});

const body = z.object({
  model: z.string(),
  messages: z.array(message).min(1).max(MAXIMUM_MESSAGES),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.literal(1, 'one answer a request: n must be 1').nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  response_format: z
    .discriminatedUnion(
      'type',
      [
        z.object({ type: z.literal('text') }),
        z.object({ type: z.literal('json_schema'), json_schema: z.object({ name: z.string(), schema: z.unknown() }) }),
      ],
      'type must be text or json_schema',
    )
    .nullish(),
  tools: z.array(z.unknown()).max(0, 'a detector calls no tools').nullish(),
});

/** A chat completion request as far as a detector can honour it. */
export interface ChatRequest {
  /** The text of the last user message. */
  readonly prompt: string;
  /** The text of the system messages and of the last user message. */
  readonly instructions: string;
  /** Words in all messages. */
  readonly promptWords: number;
  /** The picture of the last user message that has one. */
  readonly image?: { readonly url: string; readonly param: string };
  readonly schema?: JsonSchema;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** The answer is cut after so many words. */
  readonly maximumWords: number;
}

/**
 * Reads a request body; parameters that only steer the sampling of a language model are ignored.
 *
 * @throws {@link ApiError} naming the parameter at fault.
 */
export function readChatRequest(value: unknown): ChatRequest {
  const parsed = body.safeParse(value);
  if (!parsed.success) throw invalid(parsed.error.issues[0]);
  const { model, messages, stream, stream_options, response_format, max_tokens, max_completion_tokens } = parsed.data;
  if (model !== MODEL) {
    throw new ApiError(`The model "${model.slice(0, 100)}" does not exist here; the only one is ${MODEL}.`, {
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
  }
  const users = messages.flatMap(({ role, content }, index) => (role === 'user' ? [{ content, index }] : []));
  const prompt = textOf(users.at(-1)?.content);
  const system = messages.filter(({ role }) => role === 'system' || role === 'developer');
  const instructions = [...system.map(({ content }) => textOf(content)), prompt].join('\n');
  if (instructions.length > MAXIMUM_PROMPT_CHARACTERS) {
    throw new ApiError(`The instructions have more than ${MAXIMUM_PROMPT_CHARACTERS} characters.`, {
      code: 'prompt_too_long',
      param: 'messages',
    });
  }
  const image = users.map(imageOf).findLast((found) => found !== undefined);
  return {
    prompt,
    instructions,
    promptWords: countWords(messages.map(({ content }) => textOf(content)).join(' ')),
    ...(image && { image }),
    ...(response_format?.type === 'json_schema' && { schema: readSchema(response_format.json_schema.schema) }),
    stream: stream ?? false,
    includeUsage: stream_options?.include_usage ?? false,
    maximumWords: max_completion_tokens ?? max_tokens ?? Infinity,
  };
}

/** What stands for tokens here. */
export function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

type Content = z.infer<typeof message>['content'];

function textOf(content: Content): string {
  if (typeof content === 'string') return content;
  return (content ?? []).flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
}

function imageOf({ content, index }: { content: Content; index: number }): ChatRequest['image'] {
  if (typeof content === 'string') return undefined;
  const [first, second] = (content ?? []).flatMap((part, partIndex) =>
    part.type === 'image_url'
      ? [{ url: part.image_url.url, param: `messages[${index}].content[${partIndex}].image_url.url` }]
      : [],
  );
  if (second) {
    throw new ApiError('One picture a message: send the others in requests of their own.', {
      code: 'too_many_images',
      param: second.param,
    });
  }
  return first;
}

function readSchema(value: unknown): JsonSchema {
  const param = 'response_format.json_schema.schema';
  // The length bounds the depth of the recursion below.
  if (JSON.stringify(value ?? null).length > MAXIMUM_SCHEMA_CHARACTERS) {
    throw new ApiError('The JSON schema is too long.', { code: 'unsupported_json_schema', param });
  }
  const parsed = jsonSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path = [], message: rule = '' } = parsed.error.issues[0] ?? {};
  throw new ApiError(`The JSON schema cannot be honoured at "${path.map(String).join('.') || 'its root'}": ${rule}.`, {
    code: 'unsupported_json_schema',
    param,
  });
}

function invalid(issue: z.core.$ZodIssue | undefined): ApiError {
  const param = (issue?.path ?? [])
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
  return new ApiError(`Invalid request: ${param === '' ? 'the body' : param}: ${issue?.message ?? 'is wrong'}.`, {
    code: 'invalid_value',
    ...(param !== '' && { param }),
  });
}
