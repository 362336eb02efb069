import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsNotEmpty, IsObject, IsOptional, IsString } from 'class-validator';
import { ImagePromptRequest } from './prompts.request.dto.js';

export class ExplainImageRequest extends ImagePromptRequest {
  /**
   * The stored picture.
   * @example device001/camera.jpg
   */
  @IsString()
  @IsNotEmpty()
  blob_name: string;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    description: 'The JSON schema that the answer has to follow.',
  })
  @IsOptional()
  @IsObject()
  json_schema?: Record<string, unknown>;
}

/** Requests that work at once, for Swagger UI. */
export const explainImageExamples = {
  explain: { summary: 'Explain a picture', value: { blob_name: 'device001/1_architecture.png' } },
  count: {
    summary: 'Count people',
    value: {
      blob_name: 'device001/camera.jpg',
      prompt: 'How many people are in the image? Return JSON like {"num": 3}.',
      json_schema: {
        type: 'object',
        properties: { num: { type: 'integer' } },
        required: ['num'],
        additionalProperties: false,
      },
    },
  },
};
