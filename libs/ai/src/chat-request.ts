import type { OpenAI } from 'openai';

export interface Question {
  prompt: string;
  /** How the model should behave. */
  systemPrompt: string;
  /** A picture to look at, under its real type. */
  image?: { contentType: string; bytes: Buffer } | undefined;
  /** The JSON schema that the answer has to follow. */
  jsonSchema?: Record<string, unknown> | undefined;
}

/** The request body for a question. The picture comes before the text, as models were trained. */
export function requestOf(
  { prompt, systemPrompt, image, jsonSchema }: Question,
  model: string,
): Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, 'stream'> {
  return {
    model,
    messages: [
      { role: 'system', content: systemPrompt },
      { role: 'user', content: image ? [imagePart(image), { type: 'text', text: prompt }] : prompt },
    ],
    ...(jsonSchema && {
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: jsonSchema } },
    }),
  };
}

function imagePart({
  contentType,
  bytes,
}: {
  contentType: string;
  bytes: Buffer;
}): OpenAI.ChatCompletionContentPartImage {
  return { type: 'image_url', image_url: { url: `data:${contentType};base64,${bytes.toString('base64')}` } };
}
