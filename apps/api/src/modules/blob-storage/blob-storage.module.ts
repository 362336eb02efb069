import { BlobStorage } from '#libs/blob-storage';
import { Module } from '@nestjs/common';
import { MulterModule } from '@nestjs/platform-express';
import { ApiConfig } from '../../api.config.js';
import { BlobStorageController } from './blob-storage.controller.js';
import { BlobStorageHealth } from './blob-storage.health.js';
import { DeleteBlobHandler } from './commands/delete-blob/delete-blob.handler.js';
import { StoreBlobHandler } from './commands/store-blob/store-blob.handler.js';
import { BlobSender } from './download/blob-sender.js';
import { ScaledImages } from './download/scaled-images.js';
import { ListBlobsHandler } from './queries/list-blobs/list-blobs.handler.js';
import { StagedBlobEngine } from './upload/staged-blob.engine.js';

const storage = {
  provide: BlobStorage,
  useFactory: ({ blobStorage }: ApiConfig) => new BlobStorage(blobStorage),
  inject: [ApiConfig],
};

/** The container's client, for every module that reads or writes blobs. */
@Module({ providers: [storage], exports: [BlobStorage] })
export class BlobStorageClientModule {}

const MAX_FIELDS = 8;
const MAX_FIELD_BYTES = 4096;

/** Blobs: list, upload, download, delete, and stored pictures in smaller sizes. */
@Module({
  imports: [
    BlobStorageClientModule,
    MulterModule.registerAsync({
      imports: [BlobStorageClientModule],
      inject: [BlobStorage, ApiConfig],
      useFactory: (blobs: BlobStorage, { blobStorage }: ApiConfig) => ({
        storage: new StagedBlobEngine(blobs, blobStorage.maxUploadBytes),
        // Fields are read only to say what is wrong with them.
        limits: { files: 1, fields: MAX_FIELDS, fieldSize: MAX_FIELD_BYTES },
      }),
    }),
  ],
  controllers: [BlobStorageController],
  providers: [BlobSender, ScaledImages, StoreBlobHandler, DeleteBlobHandler, ListBlobsHandler, BlobStorageHealth],
})
export class BlobStorageModule {}
