import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional } from 'class-validator';
import { PromptRequest } from './prompts.request.dto.js';

export class ChatRequest extends PromptRequest {
  /** Send the answer piece by piece, as server-sent events. */
  @ApiPropertyOptional()
  @IsOptional()
  @IsBoolean()
  stream: boolean = false;
}
