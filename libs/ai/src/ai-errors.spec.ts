import { CredentialUnavailableError } from '@azure/identity';
import OpenAI from 'openai';
import { translateAiError } from './ai-errors.js';

describe(translateAiError.name, () => {
  it('takes a missing identity for refused credentials, not for a server that is down', async () => {
    const apiKey = () => Promise.reject(new CredentialUnavailableError('No managed identity.'));
    const client = new OpenAI({ baseURL: 'http://127.0.0.1:9/v1', apiKey, maxRetries: 0 });
    const error: unknown = await client.models.list().catch((reason: unknown) => reason);
    expect(translateAiError(error)).toMatchObject({ code: 'AI.UNAUTHORIZED' });
  });
});
