import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsObject, IsOptional } from 'class-validator';
import { PromptRequest } from './prompts.request.dto.js';

export class ImageChatRequest extends PromptRequest {
  @ApiProperty({ example: 'How many people are in the image?', description: 'What to ask about the picture.' })
  declare prompt: string;

  @ApiProperty({ type: 'string', format: 'binary', required: true, description: 'The picture to ask about.' })
  // Multer takes it out of the form before the fields are checked.
  @IsOptional()
  file?: unknown;

  @ApiPropertyOptional({
    type: 'string',
    description: 'The JSON schema, as text, that the answer has to follow.',
    example:
      '{"type":"object","properties":{"people":{"type":"integer"}},"required":["people"],"additionalProperties":false}',
  })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => parsed(value))
  @IsObject()
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
    return json;
  } catch {
    return value;
  }
}
