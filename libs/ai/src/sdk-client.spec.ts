import { AzureOpenAI } from 'openai';
import { type AiServer, createClient } from './sdk-client.js';

const aServer = (settings: Partial<AiServer>): AiServer => ({
  endpoint: 'http://127.0.0.1:8100/v1',
  apiKey: undefined,
  apiVersion: undefined,
  model: 'model-1',
  timeoutMs: 1_000,
  ...settings,
});

describe(createClient.name, () => {
  it('asks a server of one’s own, without a key if there is none', () => {
    expect(createClient(aServer({}))).toMatchObject({ baseURL: 'http://127.0.0.1:8100/v1', apiKey: 'none' });
    expect(createClient(aServer({ apiKey: 'key' }))).toMatchObject({ apiKey: 'key' });
  });

  it.each(['https://r.openai.azure.com', 'https://r.openai.azure.com/'])(
    'asks Azure’s classic API at %s',
    (endpoint) => {
      for (const apiKey of ['key', undefined]) {
        const client = createClient(aServer({ endpoint, apiKey, apiVersion: '2024-10-01-preview' }));
        expect(client).toBeInstanceOf(AzureOpenAI);
        expect(client).toMatchObject({ baseURL: 'https://r.openai.azure.com/openai', deploymentName: 'model-1' });
      }
    },
  );

  it('sends no key where the ambient identity is to be used, and only to Azure', () => {
    const azure = createClient(aServer({ endpoint: 'https://r.openai.azure.com/openai/v1' }));
    expect(azure.apiKey).not.toBe('none');
    const other = createClient(aServer({ endpoint: 'https://openai.azure.com.example.com/v1' }));
    expect(other.apiKey).toBe('none');
  });

  it('refuses to ask nobody', () => {
    expect(() => createClient(aServer({ endpoint: undefined }))).toThrow(
      expect.objectContaining({ code: 'AI.NOT_CONFIGURED' }),
    );
  });
});
