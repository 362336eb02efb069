import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trustCertificateAuthority } from '#libs/runtime';
import { type LocalCosmos, type LocalCosmosOptions, startLocalCosmos } from '../../apps/local-cosmos/src/index.js';
import { selfSignedCertificate } from './self-signed-certificate.js';

export interface TestCosmos extends LocalCosmos {
  readonly dataDirectory: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** A local Cosmos DB of a test's own in this process, which trusts it; its folder goes with it. */
export async function startTestCosmos(
  options: Partial<Omit<LocalCosmosOptions, 'certFile' | 'keyFile'>> = {},
): Promise<TestCosmos> {
  const { certFile, keyFile, remove } = await selfSignedCertificate();
  const dataDirectory = mkdtempSync(join(tmpdir(), 'spyglass-cosmos-'));
  trustCertificateAuthority(certFile);
  const server = await startLocalCosmos({ dataDirectory, ...options, certFile, keyFile });
  return {
    url: server.url,
    connectionString: server.connectionString,
    dataDirectory,
    certFile,
    keyFile,
    close: async () => {
      await server.close();
      rmSync(dataDirectory, { recursive: true, force: true });
      remove();
    },
  };
}
