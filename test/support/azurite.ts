import { azuriteConnectionString, startAzurite as startProcess } from '../../apps/local-stack/src/azurite.js';

/** A fresh, in-memory Azurite on a free port, serving HTTPS with the given certificate. */
export async function startAzurite(tls: {
  certFile: string;
  keyFile: string;
}): Promise<{ url: string; connectionString: string; close: () => Promise<void> }> {
  const azurite = startProcess(tls);
  const url = await azurite.ready;
  return { url, connectionString: azuriteConnectionString(url), close: azurite.stop };
}
