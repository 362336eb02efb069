import { createRequire } from 'node:module';
import { startProcess, type RunningProcess } from './child-process.js';

/** Azurite's documented account, the same in every installation. @see https://learn.microsoft.com/azure/storage/common/storage-connect-azurite */
const ACCOUNT_NAME = 'devstoreaccount1';
const ACCOUNT_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export interface AzuriteOptions {
  /** Certificate and key it serves HTTPS with: the device SDK uploads over HTTPS alone. */
  certFile: string;
  keyFile: string;
  /** 0 (the default) for a free one. */
  port?: number;
  /** Where blobs are kept; in memory when left out. */
  location?: string;
  env?: NodeJS.ProcessEnv;
  logFile?: string;
}

/** The account that Azurite serves at a blob endpoint. */
export function azuriteConnectionString(blobEndpoint: string): string {
  return `DefaultEndpointsProtocol=https;AccountName=${ACCOUNT_NAME};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${blobEndpoint};`;
}

/**
 * Starts Azurite's blob service on 127.0.0.1; it is ready with its account's blob endpoint.
 *
 * Newer API versions than it knows and `x-ms-encryption-algorithm` (sent by the storage client inside the device SDK) are
 * let through, since they change nothing that it does.
 */
export function startAzurite(options: AzuriteOptions): RunningProcess<string> {
  const place = options.location === undefined ? ['--inMemoryPersistence'] : ['--location', options.location];
  return startProcess({
    name: 'azurite',
    args: [
      createRequire(__filename).resolve('azurite/dist/src/blob/main.js'),
      ...['--blobHost', '127.0.0.1', '--blobPort', String(options.port ?? 0)],
      ...['--cert', options.certFile, '--key', options.keyFile],
      ...['--loose', '--skipApiVersionCheck', '--disableTelemetry', '--silent', ...place],
    ],
    env: options.env ?? {},
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    ready: (line) => {
      const [, origin] = /successfully listens on (https:\/\/[^/\s]+)/.exec(line) ?? [];
      return origin && `${origin}/${ACCOUNT_NAME}`;
    },
  });
}
