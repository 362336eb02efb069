import { ChatModel } from '#libs/ai';
import { Module } from '@nestjs/common';
import { MulterModule } from '@nestjs/platform-express';
import { memoryStorage } from 'multer';
import { ApiConfig } from '../../api.config.js';
import { BlobStorageClientModule } from '../blob-storage/blob-storage.module.js';
import { AiServicesController } from './ai-services.controller.js';
import { AiServicesHealth } from './ai-services.health.js';
import { CompleteChatWithImageHandler } from './queries/complete-chat-with-image/complete-chat-with-image.handler.js';
import { CompleteChatHandler } from './queries/complete-chat/complete-chat.handler.js';
import { ExplainImageHandler } from './queries/explain-image/explain-image.handler.js';
import { StreamChatHandler } from './queries/stream-chat/stream-chat.handler.js';

/** Of the text fields of a form. */
const MAX_FIELDS = 3;
const MAX_FIELD_BYTES = 256 * 1024;

/** Chat completions, and explanations of pictures. */
@Module({
  imports: [
    BlobStorageClientModule,
    MulterModule.registerAsync({
      inject: [ApiConfig],
      useFactory: ({ aiServices }: ApiConfig) => ({
        // A picture has to be whole to be decoded.
        storage: memoryStorage(),
        limits: { files: 1, fileSize: aiServices.maxImageBytes, fields: MAX_FIELDS, fieldSize: MAX_FIELD_BYTES },
      }),
    }),
  ],
  controllers: [AiServicesController],
  providers: [
    { provide: ChatModel, useFactory: ({ aiServices }: ApiConfig) => new ChatModel(aiServices), inject: [ApiConfig] },
    CompleteChatHandler,
    StreamChatHandler,
    CompleteChatWithImageHandler,
    ExplainImageHandler,
    AiServicesHealth,
  ],
})
export class AiServicesModule {}
