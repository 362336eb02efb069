import type { StoredBlob } from '#libs/blob-storage';
import { AppError } from '#libs/runtime';
import {
  Controller,
  Delete,
  Get,
  Head,
  HttpCode,
  Post,
  Query,
  Res,
  UploadedFile,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { FileInterceptor } from '@nestjs/platform-express';
import {
  ApiBody,
  ApiConsumes,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { ApiProblems } from '../../http/api-problems.decorator.js';
import { clientGone } from '../../http/client-gone.js';
import { storageProblems } from './blob-storage.errors.js';
import { DeleteBlobCommand } from './commands/delete-blob/delete-blob.command.js';
import { StoreBlobCommand } from './commands/store-blob/store-blob.command.js';
import { BlobName } from './download/blob-name.decorator.js';
import { BlobSender, describe } from './download/blob-sender.js';
import { ScaledImages } from './download/scaled-images.js';
import { BlobPageResponse, BlobResponse } from './dto/blob.response.dto.js';
import { ImageParams } from './dto/image.query.dto.js';
import { ListBlobsParams } from './dto/list-blobs.query.dto.js';
import { UPLOADED_EXAMPLE, UploadBlobParams } from './dto/upload-blob.query.dto.js';
import { ListBlobsQuery } from './queries/list-blobs/list-blobs.query.js';
import { assertFileAlone } from './upload/assert-file-alone.js';
import type { StagedFile } from './upload/staged-blob.engine.js';
import { UploadGuard } from './upload/upload.guard.js';

const BINARY = { schema: { type: 'string' as const, format: 'binary' } };
const text = (description: string) => ({ description, schema: { type: 'string' as const } });
const BLOB_HEADERS = {
  ETag: text('Changes with the content; give it as If-None-Match to download only what is new.'),
  'Content-Disposition': text('The file name.'),
  'Last-Modified': text('When the blob was stored.'),
};
const blobName = (example: string) =>
  ApiParam({
    name: 'blob_name',
    type: String,
    example,
    description: 'The name, slashes and all. One that itself begins with `images/` is written `images%2F…`.',
  });
const BLOB_NAME = blobName('device001/1_architecture.png');
const CACHING_HEADER = ApiHeader({ name: 'If-None-Match', required: false, description: 'ETag of what is at hand.' });
const NOT_MODIFIED = ApiResponse({ status: 304, description: 'The blob still has the ETag of If-None-Match' });

@ApiTags('blob_storage')
@Controller('blob_storage')
export class BlobStorageController {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
    private readonly sender: BlobSender,
    private readonly images: ScaledImages,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List the blobs, in the order of their names' })
  @ApiOkResponse({ type: BlobPageResponse, description: 'One page of blobs' })
  @ApiProblems('REQUEST.INVALID', ...storageProblems)
  async listBlobs(
    @Query() { prefix, limit, continuation_token }: ListBlobsParams,
    @Res({ passthrough: true }) response: Response,
  ): Promise<BlobPageResponse> {
    const options = { prefix, limit, continuationToken: continuation_token, signal: clientGone(response) };
    return BlobPageResponse.of(await this.queries.execute(new ListBlobsQuery(options)));
  }

  @Post()
  @HttpCode(201)
  @UseGuards(UploadGuard)
  @UseInterceptors(FileInterceptor('file'))
  @ApiOperation({
    summary: 'Upload a file',
    description:
      'The blob appears whole when all has arrived, or not at all. Its content type is told from its bytes.\n\n' +
      'A name that begins with `images/` is possible, but `GET /blob_storage/images/…` is another route: such a blob is ' +
      'found at `/blob_storage/images%2F…`, as the answer’s header `Location` says.',
  })
  @ApiConsumes('multipart/form-data')
  @ApiBody({
    schema: { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } },
  })
  @ApiCreatedResponse({
    type: BlobResponse,
    description: 'The blob is stored',
    headers: { ETag: BLOB_HEADERS.ETag, Location: text('Where the blob is found.') },
  })
  @ApiProblems(
    'REQUEST.INVALID',
    'REQUEST.MALFORMED',
    'REQUEST.TOO_LARGE',
    'REQUEST.MEDIA_TYPE_NOT_SUPPORTED',
    'BLOB.NAME_INVALID',
    'BLOB.FILE_MISSING',
    'BLOB.UPLOAD_INCOMPLETE',
    'BLOB.ALREADY_EXISTS',
    'BLOB.CHANGED',
    'BLOB.LOCKED',
    ...storageProblems,
  )
  async uploadBlob(
    @Query() { blob_name, overwrite }: UploadBlobParams,
    @UploadedFile() file: StagedFile | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<BlobResponse> {
    if (response.req.is('multipart/form-data')) assertFileAlone(response.req.body);
    if (!file) throw new AppError('BLOB.FILE_MISSING', 'The form has no field file with a file in it.');
    const { staged, contentType } = file;
    const command = new StoreBlobCommand(staged, contentType, { overwrite, signal: clientGone(response) });
    const stored: StoredBlob = await this.commands.execute(command);
    response.setHeader('ETag', stored.etag);
    response.setHeader('Location', locationOf(blob_name));
    return BlobResponse.stored(blob_name, contentType, stored);
  }

  @Get('images/:device_name/*file_name')
  @ApiOperation({ summary: 'Show a picture that a device has stored', description: 'As stored, or scaled down.' })
  @ApiParam({ name: 'device_name', type: String, example: 'device001', description: 'The device.' })
  @ApiParam({ name: 'file_name', type: String, example: '1_architecture.png', description: 'May hold slashes.' })
  @CACHING_HEADER
  @ApiOkResponse({
    description: 'The picture',
    content: { 'image/jpeg': BINARY, 'image/png': BINARY, 'image/webp': BINARY },
    headers: BLOB_HEADERS,
  })
  @NOT_MODIFIED
  @ApiProblems(
    'REQUEST.INVALID',
    'BLOB.NAME_INVALID',
    'BLOB.NOT_FOUND',
    'BLOB.LOCKED',
    'BLOB.TOO_LARGE',
    'BLOB.RANGE_NOT_SATISFIABLE',
    'IMAGE.NOT_AN_IMAGE',
    'IMAGE.TOO_LARGE',
    'IMAGE.BUSY',
    ...storageProblems,
  )
  async getImage(
    @BlobName('/blob_storage/images/') name: string,
    @Query() { width }: ImageParams,
    @Res() response: Response,
  ): Promise<void> {
    if (width === undefined) {
      await this.sender.send(name, response, (properties, signal) => this.images.typeOf(properties, signal));
      return;
    }
    const { bytes, contentType, properties } = await this.images.scaled(name, width, clientGone(response));
    describe(response, properties, contentType);
    response.removeHeader('Accept-Ranges');
    response.send(bytes);
  }

  // Before GET, which would answer HEAD too.
  @Head('*blob_name')
  @ApiOperation({ summary: "Show a blob's size, type and ETag, in the headers" })
  @BLOB_NAME
  @ApiOkResponse({ description: 'There is such a blob', headers: BLOB_HEADERS })
  @NOT_MODIFIED
  @ApiProblems('BLOB.NAME_INVALID', 'BLOB.NOT_FOUND', ...storageProblems)
  async headBlob(@BlobName('/blob_storage/') name: string, @Res() response: Response): Promise<void> {
    await this.sender.send(name, response);
  }

  @Get('*blob_name')
  @ApiOperation({ summary: 'Download a blob' })
  @BLOB_NAME
  @CACHING_HEADER
  @ApiHeader({ name: 'Range', required: false, description: 'Such as `bytes=0-1023`.' })
  @ApiOkResponse({ description: 'The blob', content: { 'image/*': BINARY, '*/*': BINARY }, headers: BLOB_HEADERS })
  @ApiResponse({ status: 206, description: 'The range that was asked for', content: { '*/*': BINARY } })
  @NOT_MODIFIED
  @ApiProblems(
    'BLOB.NAME_INVALID',
    'BLOB.NOT_FOUND',
    'BLOB.LOCKED',
    'BLOB.CHANGED',
    'BLOB.RANGE_NOT_SATISFIABLE',
    ...storageProblems,
  )
  async getBlob(@BlobName('/blob_storage/') name: string, @Res() response: Response): Promise<void> {
    await this.sender.send(name, response);
  }

  @Delete('*blob_name')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a blob' })
  @blobName(UPLOADED_EXAMPLE)
  @ApiNoContentResponse({ description: 'The blob is deleted' })
  @ApiProblems('BLOB.NAME_INVALID', 'BLOB.NOT_FOUND', 'BLOB.LOCKED', ...storageProblems)
  async deleteBlob(@BlobName('/blob_storage/') name: string): Promise<void> {
    await this.commands.execute(new DeleteBlobCommand(name));
  }
}

/** The slashes stay; a name that begins like another route has its first one encoded. */
function locationOf(name: string): string {
  const path = name.split('/').map(encodeURIComponent).join('/');
  return `/blob_storage/${path.replace(/^images\//, 'images%2F')}`;
}
