import { DefaultAzureCredential, type TokenCredential } from '@azure/identity';

/** @see https://learn.microsoft.com/azure/developer/javascript/sdk/credential-chains */
export function createAmbientCredential(): TokenCredential {
  return new DefaultAzureCredential();
}
