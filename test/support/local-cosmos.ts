import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trustCertificateAuthority } from '#libs/runtime';
import { type LocalCosmosOptions, startLocalCosmos } from '../../apps/local-cosmos/src/index.js';
import { selfSignedCertificate } from './self-signed-certificate.js';

type Options = Partial<Omit<LocalCosmosOptions, 'certFile' | 'keyFile'>>;

export interface TestCosmos {
  readonly url: string;
  readonly connectionString: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly dataDirectory: string;
  /** Stops it and starts another one on the same folder. */
  restart(): Promise<TestCosmos>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

/** A local Cosmos DB of a test's own in this process, which trusts it; its folder goes with it. */
export async function startTestCosmos(options: Options = {}): Promise<TestCosmos> {
  const certificate = await selfSignedCertificate();
  const { certFile, keyFile } = certificate;
  trustCertificateAuthority(certFile);
  const dataDirectory = mkdtempSync(join(tmpdir(), 'spyglass-cosmos-'));
  const start = async (): Promise<TestCosmos> => {
    const server = await startLocalCosmos({ dataDirectory, ...options, certFile, keyFile });
    return {
      url: server.url,
      connectionString: server.connectionString,
      certFile,
      keyFile,
      dataDirectory,
      restart: async () => {
        await server.close();
        return start();
      },
      close: async () => {
        await server.close();
        rmSync(dataDirectory, { recursive: true, force: true });
        certificate.remove();
      },
    };
  };
  return start();
}
