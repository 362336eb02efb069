import { DefaultAzureCredential, getBearerTokenProvider } from '@azure/identity';

/** @see https://learn.microsoft.com/azure/developer/javascript/sdk/credential-chains */
export function ambientTokenProvider(scope: string): () => Promise<string> {
  return getBearerTokenProvider(new DefaultAzureCredential(), scope);
}
