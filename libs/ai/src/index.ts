export type { AiErrorCode } from './ai-errors.js';
export { type AskOptions, type ChatCompletion, type ChatCompletionChunk, ChatModel } from './chat-model.js';
export type { Question } from './chat-request.js';
export type { AiServer } from './sdk-client.js';
