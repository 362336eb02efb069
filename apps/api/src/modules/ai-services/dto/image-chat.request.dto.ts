import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsObject, IsOptional } from 'class-validator';
import { Refused } from '../../../http/refused.validator.js';
import { PromptRequest } from './prompts.request.dto.js';

export class ImageChatRequest extends PromptRequest {
  @ApiProperty({ example: 'How many people are in the image?', description: 'What to ask about the picture.' })
  declare prompt: string;

  @ApiProperty({ type: 'string', format: 'binary', required: true, description: 'The picture to ask about.' })
  // Multer takes a file out of the form before the fields are checked.
  @Refused('file must be a file, not text')
  file?: unknown;

  @ApiPropertyOptional({
    type: 'string',
    description: 'The JSON schema, as text, that the answer has to follow.',
    example:
      '{"type":"object","properties":{"people":{"type":"integer"}},"required":["people"],"additionalProperties":false}',
  })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => parsed(value))
  @IsObject({
    message: ({ value }) =>
      typeof value === 'string' ? '$property is not valid JSON' : '$property must be a JSON object',
  })
  // A narrower type would be described beside the text that the form holds.
  json_schema?: object;
}

/** The JSON in a form's field; what is none comes back as it is, for the validation to refuse. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    const json: unknown = JSON.parse(value);
    // Nested too deep, it could be read but never sent on.
    JSON.stringify(json);
    // A text in JSON is told from what is no JSON at all.
    return typeof json === 'string' ? [json] : json;
  } catch {
    return value;
  }
}
