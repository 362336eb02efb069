import { chatPieces } from './chat-pieces.js';
import { AiServicesApi, type CompleteChatWithImageRequest } from './generated/apis/index.js';
import type {
  ChatCompletionChunkResponse,
  ChatCompletionResponse,
  ChatRequest,
  ExplainImageRequest,
  ExplainImageResponse,
} from './generated/models/index.js';
import type { CallOptions, Transport } from './transport.js';

/** What to ask about which picture. */
export type ImageChatParams = Omit<CompleteChatWithImageRequest, 'json_schema'> & {
  /** The JSON schema that the answer has to follow. */
  json_schema?: Record<string, unknown> | undefined;
};

/** Chat completions and explanations of images. */
export class AiServicesClient {
  readonly #api: AiServicesApi;
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#api = new AiServicesApi(transport.configuration);
    this.#transport = transport;
  }

  /**
   * Asks the model. With `stream: true` it resolves as soon as the model answers, with the pieces of the answer as they
   * come; leaving the loop hangs up.
   *
   * @throws {@link SpyglassError} `AI.BAD_REQUEST`, `AI.RATE_LIMITED`, `AI.UNAVAILABLE`, `AI.TIMEOUT`; within the stream too
   */
  completeChat(
    request: ChatRequest & { stream: true },
    options?: CallOptions,
  ): Promise<AsyncGenerator<ChatCompletionChunkResponse, void, undefined>>;
  completeChat(request: ChatRequest & { stream?: false }, options?: CallOptions): Promise<ChatCompletionResponse>;
  async completeChat(
    request: ChatRequest,
    options?: CallOptions,
  ): Promise<ChatCompletionResponse | AsyncGenerator<ChatCompletionChunkResponse, void, undefined>> {
    const parameters = { ChatRequest: request };
    if (!request.stream) return this.#transport.call((init) => this.#api.completeChat(parameters, init), options);
    const { raw } = await this.#transport.call((init) => this.#api.completeChatRaw(parameters, init), options);
    return chatPieces(raw, options?.signal);
  }

  /**
   * Asks the model about a picture that is sent along; large ones are scaled down first.
   * It may take any time unless the call sets `timeoutMs`.
   *
   * @throws {@link SpyglassError} `IMAGE.NOT_AN_IMAGE`, and those of {@link completeChat}
   */
  completeChatWithImage(params: ImageChatParams, options?: CallOptions): Promise<ChatCompletionResponse> {
    const { json_schema: schema, ...rest } = params;
    const parameters = schema === undefined ? rest : { ...rest, json_schema: JSON.stringify(schema) };
    return this.#transport.call((init) => this.#api.completeChatWithImage(parameters, init), {
      timeoutMs: 0,
      ...options,
    });
  }

  /**
   * Asks the model about a picture that is stored already.
   *
   * @throws {@link SpyglassError} `BLOB.NOT_FOUND`, `IMAGE.NOT_AN_IMAGE`, and those of {@link completeChat}
   */
  explainImage(request: ExplainImageRequest, options?: CallOptions): Promise<ExplainImageResponse> {
    return this.#transport.call((init) => this.#api.explainImage({ ExplainImageRequest: request }, init), options);
  }
}
