import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';
import { DEFAULT_IMAGE_PROMPT, DEFAULT_SYSTEM_PROMPT } from '../default-prompts.js';

/** In characters; far more than the smaller models read. */
const MAX_PROMPT_LENGTH = 100_000;

class SystemPromptRequest {
  @ApiPropertyOptional({ default: DEFAULT_SYSTEM_PROMPT, description: 'How the model should behave.' })
  @IsOptional()
  @IsString()
  @MaxLength(MAX_PROMPT_LENGTH)
  system_prompt?: string;
}

export class PromptRequest extends SystemPromptRequest {
  @ApiProperty({ example: 'How does an MQTT broker work?', description: 'What to ask.' })
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_PROMPT_LENGTH)
  prompt: string;
}

export class ImagePromptRequest extends SystemPromptRequest {
  @ApiPropertyOptional({ default: DEFAULT_IMAGE_PROMPT, description: 'What to ask about the picture.' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_PROMPT_LENGTH)
  prompt?: string;
}
