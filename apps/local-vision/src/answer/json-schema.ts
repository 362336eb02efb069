import { z } from 'zod';

const jsonType = z.enum(['object', 'array', 'string', 'integer', 'number', 'boolean', 'null']);

/**
 * The part of JSON Schema that can be honoured. Every other keyword is refused by name, because an answer that ignores
 * it would look valid and not be.
 */
export interface JsonSchema {
  type: z.infer<typeof jsonType> | z.infer<typeof jsonType>[];
  properties?: Record<string, JsonSchema> | undefined;
  items?: JsonSchema | undefined;
  required?: string[] | undefined;
  additionalProperties?: boolean | JsonSchema | undefined;
  description?: string | undefined;
  title?: string | undefined;
  minimum?: number | undefined;
  maximum?: number | undefined;
  $schema?: string | undefined;
}

const MAXIMUM_NAME_LENGTH = 100;
const MAXIMUM_DESCRIPTION_LENGTH = 2_000;

export const jsonSchema: z.ZodType<JsonSchema> = z.strictObject({
  type: z.union([jsonType, z.array(jsonType).min(1)]),
  get properties() {
    return z.record(z.string().min(1).max(MAXIMUM_NAME_LENGTH), jsonSchema).optional();
  },
  get items() {
    return jsonSchema.optional();
  },
  required: z.array(z.string()).optional(),
  get additionalProperties() {
    return z.union([z.boolean(), jsonSchema]).optional();
  },
  description: z.string().max(MAXIMUM_DESCRIPTION_LENGTH).optional(),
  title: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  $schema: z.string().optional(),
});
