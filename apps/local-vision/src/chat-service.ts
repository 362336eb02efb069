import { planJsonAnswer } from './answer/answer-json.js';
import { planExampleAnswer } from './answer/answer-example.js';
import { ANSWER_WITHOUT_PICTURE, answerInWords } from './answer/answer-text.js';
import { partsFor, readQuestion } from './answer/question.js';
import { ApiError } from './api-error.js';
import type { ChatRequest } from './chat-request.js';
import { complete, type Completion } from './completion.js';
import { readImageUrl } from './image-input.js';
import { type JobQueue, QueueFullError } from './job-queue.js';
import type { Observations, Parts } from './vision/observations.js';
import { UndecodablePictureError, type VisionEngine } from './vision/vision-engine.js';

/** Measured: a picture takes well below a second once the models are loaded. */
const SECONDS_A_JOB = 1;

/** Answers chat completion requests with what the vision engine sees, one picture at a time. */
export class ChatService {
  constructor(
    private readonly engine: Pick<VisionEngine, 'look'>,
    private readonly queue: JobQueue,
  ) {}

  /** @throws {@link ApiError} in OpenAI's shape; the signal's reason when the client goes. */
  async answer(request: ChatRequest, signal: AbortSignal): Promise<Completion> {
    const { prompt, instructions, schema, image } = request;
    const question = readQuestion(prompt);
    const json = schema ? planJsonAnswer(schema, instructions, question) : planExampleAnswer(instructions, question);
    if (!image) {
      if (!schema) return complete(ANSWER_WITHOUT_PICTURE, request);
      throw new ApiError('A JSON answer needs a picture: send one as an image_url part.', {
        code: 'image_required',
        param: 'messages',
      });
    }
    const bytes = await readImageUrl(image.url, image.param);
    const seen = await this.look(bytes, { parts: json?.parts ?? partsFor(question), param: image.param, signal });
    return complete(json ? JSON.stringify(json.fill(seen)) : answerInWords(question, seen), request);
  }

  /** @throws {@link ApiError} 429 when no place is free. */
  admit(): void {
    if (this.queue.isFull) throw this.busy();
  }

  private async look(
    bytes: Uint8Array,
    { parts, param, signal }: { parts: Parts; param: string; signal: AbortSignal },
  ): Promise<Observations> {
    try {
      return await this.queue.run(() => this.engine.look(bytes, parts, signal), signal);
    } catch (error) {
      if (error instanceof QueueFullError) throw this.busy();
      if (error instanceof UndecodablePictureError) {
        throw new ApiError('The picture is damaged: its header is right, the rest cannot be decoded.', {
          code: 'invalid_image',
          param,
        });
      }
      throw error;
    }
  }

  private busy(): ApiError {
    const retryAfter = Math.max(1, this.queue.length * SECONDS_A_JOB);
    return new ApiError(`${this.queue.length} pictures are in work or waiting. Try again in ${retryAfter} s.`, {
      status: 429,
      type: 'rate_limit_error',
      code: 'rate_limit_exceeded',
      headers: { 'retry-after': String(retryAfter) },
    });
  }
}
