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

export interface Azurite extends RunningProcess<string> {
  /** The account's blob endpoint, without a slash at its end. */
  readonly url: string;
  readonly connectionString: string;
}

/**
 * Starts Azurite's blob service on 127.0.0.1.
 *
 * Newer API versions than it knows and `x-ms-encryption-algorithm` (sent by the storage client inside the device SDK) are
 * let through, since they change nothing that it does.
 */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  const place = options.location === undefined ? ['--inMemoryPersistence'] : ['--location', options.location];
  const running = await startProcess({
    name: 'Azurite',
    args: [
      createRequire(__filename).resolve('azurite/dist/src/blob/main.js'),
      ...['--blobHost', '127.0.0.1', '--blobPort', String(options.port ?? 0)],
      ...['--cert', options.certFile, '--key', options.keyFile],
      ...['--loose', '--skipApiVersionCheck', '--disableTelemetry', '--silent', ...place],
    ],
    env: options.env ?? {},
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    ready: (line) => /successfully listens on (https:\S+)/.exec(line)?.[1],
  });
  const url = `${running.ready.replace(/\/$/, '')}/${ACCOUNT_NAME}`;
  const connectionString = `DefaultEndpointsProtocol=https;AccountName=${ACCOUNT_NAME};AccountKey=${ACCOUNT_KEY};BlobEndpoint=${url};`;
  return { ...running, url, connectionString };
}
