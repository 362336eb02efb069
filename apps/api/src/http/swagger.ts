import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { AppError } from '#libs/runtime';
import type { NextFunction, Request, Response } from 'express';
import type { ApiConfig } from '../api.config.js';

/** What the page consists of; the package it comes from holds other files too. */
export const SWAGGER_PATHS =
  /^\/(?:|openapi\.json|swagger-ui(?:-bundle|-standalone-preset|-init)?\.(?:js|css)|favicon-\d+x\d+\.png)$/;

/** A file at the top level, where no route of ours has an extension. */
const TOP_LEVEL_FILE = /^\/(?:[^/]+\.[^/]+|LICENSE|NOTICE)$/;

const DESCRIPTION = `Ask any camera, anywhere, what it sees.

A device is asked for a picture by a direct method, stores it in Blob Storage, and an AI model explains it; the device twin
steers the device. Every failure is \`application/problem+json\` with a stable \`code\` and a \`hint\`.`;

/** Problems look all alike: one example, that of the default response, is enough, and keeps an operation on a screen. */
const STYLE = `
tr.response:is([data-code^="4"], [data-code^="5"]) :is(.model-example, .response-controls, .response__extension) { display: none }
.swagger-ui table.responses-table tr.response > td { padding: 4px 0 }
tr.response[data-code="default"] .highlight-code { max-height: 240px; overflow: auto }`;

/** The API's description of itself, OpenAPI 3.0.3. */
export function describeApi(app: INestApplication, { version }: ApiConfig): OpenAPIObject {
  const settings = new DocumentBuilder()
    .setTitle('Spyglass')
    .setDescription(DESCRIPTION)
    .setVersion(version)
    .setOpenAPIVersion('3.0.3')
    .addTag('core', 'Version, health and metrics')
    .addTag('iot_hub', 'Devices, device twins and direct methods')
    .addTag('blob_storage', 'Pictures and other blobs')
    .addTag('ai_services', 'Chat completions and explanations of images')
    .addTag('telemetry', 'What devices have sent')
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'Asked for when API_KEYS is set.' },
      'api_key',
    )
    .addSecurityRequirements('api_key')
    .build();
  const document = SwaggerModule.createDocument(app, settings, { operationIdFactory: (_controller, method) => method });
  orderParameters(document);
  return document;
}

/** Parameters of the path come first, in its order, and headers last. */
function orderParameters({ paths }: OpenAPIObject): void {
  for (const [path, item] of Object.entries(paths)) {
    const place = (parameter: object): number => {
      const { in: where, name } = parameter as { in: string; name: string };
      if (where === 'path') return path.indexOf(`{${name}}`);
      return where === 'query' ? path.length : path.length + 1;
    };
    for (const operation of [item.get, item.head, item.post, item.patch, item.delete])
      operation?.parameters?.sort((a, b) => place(a) - place(b));
  }
}

/** Serves Swagger UI at `/` with files of this machine only, and the specification at `/openapi.json`. */
export function serveSwagger(app: INestApplication, config: ApiConfig): void {
  app.use((request: Request, _response: Response, next: NextFunction) => {
    const other = TOP_LEVEL_FILE.test(request.path) && !SWAGGER_PATHS.test(request.path);
    next(other ? new AppError('ROUTE.NOT_FOUND', `There is no ${request.path}.`) : undefined);
  });
  let document: OpenAPIObject | undefined;
  SwaggerModule.setup('/', app, () => (document ??= describeApi(app, config)), {
    jsonDocumentUrl: 'openapi.json',
    raw: ['json'],
    customSiteTitle: 'Spyglass API',
    customCss: STYLE,
    swaggerOptions: { tryItOutEnabled: true, persistAuthorization: true, displayRequestDuration: true },
  });
}
