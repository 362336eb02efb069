import type { Question } from '#libs/ai';
import { AppError } from '#libs/runtime';
import { Body, Controller, HttpCode, Post, Res, UploadedFile, UseGuards, UseInterceptors } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import { FileInterceptor } from '@nestjs/platform-express';
import {
  ApiBody,
  ApiConsumes,
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { clientGone } from '../../http/client-gone.js';
import { storageProblems } from '../blob-storage/blob-storage.errors.js';
import { aiProblems } from './ai-services.errors.js';
import { DEFAULT_IMAGE_PROMPT, DEFAULT_SYSTEM_PROMPT } from './default-prompts.js';
import {
  ChatCompletionChunkResponse,
  ChatCompletionResponse,
  ExplainImageResponse,
} from './dto/chat-completion.response.dto.js';
import { ChatRequest } from './dto/chat.request.dto.js';
import { ExplainImageRequest, explainImageExamples } from './dto/explain-image.request.dto.js';
import { ImageChatRequest } from './dto/image-chat.request.dto.js';
import { PictureFormGuard } from './picture-form.guard.js';
import { CompleteChatWithImageQuery } from './queries/complete-chat-with-image/complete-chat-with-image.query.js';
import { CompleteChatQuery } from './queries/complete-chat/complete-chat.query.js';
import { ExplainImageQuery } from './queries/explain-image/explain-image.query.js';
import { StreamChatQuery } from './queries/stream-chat/stream-chat.query.js';
import { sendEvents } from './send-events.js';

@ApiTags('ai_services')
@Controller('ai_services')
export class AiServicesController {
  constructor(private readonly queries: QueryBus) {}

  @Post('chat/completions')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Ask the model',
    description: 'With `stream`, the answer comes piece by piece as server-sent events, the last of them `[DONE]`.',
  })
  @ApiExtraModels(ChatCompletionResponse, ChatCompletionChunkResponse)
  @ApiBody({
    type: ChatRequest,
    examples: {
      answer: { summary: 'A whole answer', value: { prompt: 'How does an MQTT broker work?' } },
      stream: { summary: 'Piece by piece', value: { prompt: 'How does an MQTT broker work?', stream: true } },
    },
  })
  @ApiOkResponse({
    description: 'The answer',
    content: {
      'application/json': { schema: { $ref: getSchemaPath(ChatCompletionResponse) } },
      'text/event-stream': { schema: { $ref: getSchemaPath(ChatCompletionChunkResponse) } },
    },
  })
  @ApiProblems('REQUEST.INVALID', 'REQUEST.MALFORMED', 'REQUEST.TOO_LARGE', ...aiProblems)
  async completeChat(@Body() request: ChatRequest, @Res() response: Response): Promise<void> {
    const question = questionOf(request, request.prompt);
    const signal = clientGone(response);
    if (request.stream) await sendEvents(response, await this.queries.execute(new StreamChatQuery(question, signal)));
    else response.json(ChatCompletionResponse.of(await this.queries.execute(new CompleteChatQuery(question, signal))));
  }

  @Post('chat/completions_with_image')
  @HttpCode(200)
  @UseGuards(PictureFormGuard)
  @UseInterceptors(FileInterceptor('file'))
  @ApiOperation({ summary: 'Ask the model about a picture', description: 'Large pictures are scaled down first.' })
  @ApiConsumes('multipart/form-data')
  @ApiBody({ type: ImageChatRequest })
  @ApiOkResponse({ type: ChatCompletionResponse, description: 'The answer' })
  @ApiProblems(
    'REQUEST.INVALID',
    'REQUEST.MALFORMED',
    'REQUEST.TOO_LARGE',
    'AI.FILE_MISSING',
    'IMAGE.NOT_AN_IMAGE',
    'IMAGE.TOO_LARGE',
    'IMAGE.BUSY',
    ...aiProblems,
  )
  async completeChatWithImage(
    @Body() request: ImageChatRequest,
    @UploadedFile() file: Express.Multer.File | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ChatCompletionResponse> {
    if (!file) throw new AppError('AI.FILE_MISSING', 'The form has no field file with a picture in it.');
    const question = questionOf(request, request.prompt);
    const query = new CompleteChatWithImageQuery(question, file.buffer, clientGone(response));
    return ChatCompletionResponse.of(await this.queries.execute(query));
  }

  @Post('explain_image')
  @HttpCode(200)
  @ApiOperation({ summary: 'Explain a picture that is stored already' })
  @ApiBody({ type: ExplainImageRequest, examples: explainImageExamples })
  @ApiOkResponse({ type: ExplainImageResponse, description: 'The answer, as plain text and as the model gave it' })
  @ApiProblems(
    'REQUEST.INVALID',
    'REQUEST.MALFORMED',
    'BLOB.NAME_INVALID',
    'BLOB.NOT_FOUND',
    'BLOB.TOO_LARGE',
    'IMAGE.NOT_AN_IMAGE',
    'IMAGE.TOO_LARGE',
    'IMAGE.BUSY',
    ...storageProblems,
    ...aiProblems,
  )
  async explainImage(
    @Body() request: ExplainImageRequest,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ExplainImageResponse> {
    const question = questionOf(request, request.prompt ?? DEFAULT_IMAGE_PROMPT);
    const query = new ExplainImageQuery(request.blob_name, question, clientGone(response));
    return ExplainImageResponse.of(request.blob_name, await this.queries.execute(query));
  }
}

function questionOf(
  { system_prompt, json_schema }: { system_prompt?: string; json_schema?: object },
  prompt: string,
): Omit<Question, 'image'> {
  const jsonSchema = json_schema as Record<string, unknown> | undefined;
  return { prompt, systemPrompt: system_prompt ?? DEFAULT_SYSTEM_PROMPT, jsonSchema };
}
