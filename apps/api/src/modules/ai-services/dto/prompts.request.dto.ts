import { IsNotEmpty, IsOptional, IsString, MaxLength } from 'class-validator';

/** In characters; far more than the smaller models read. */
const MAX_PROMPT_LENGTH = 100_000;

class SystemPromptRequest {
  /**
   * How the model should behave.
   * @default You are a helpful assistant.
   */
  @IsOptional()
  @IsString()
  @MaxLength(MAX_PROMPT_LENGTH)
  system_prompt?: string;
}

export class PromptRequest extends SystemPromptRequest {
  /**
   * What to ask.
   * @example How does an MQTT broker work?
   */
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_PROMPT_LENGTH)
  prompt: string;
}

export class ImagePromptRequest extends SystemPromptRequest {
  /**
   * What to ask about the picture.
   * @default Please explain the attached image.
   */
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(MAX_PROMPT_LENGTH)
  prompt?: string;
}
