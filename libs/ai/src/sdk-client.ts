import OpenAI, { AzureOpenAI } from 'openai';
import { aiError } from './ai-errors.js';

// This file alone loads the SDK (0.2 s, 30 MB), and is itself loaded on first use.

/** Which server to ask, and how to prove who asks. */
export interface AiServer {
  /** Base URL of an OpenAI-compatible server, such as `http://127.0.0.1:8100/v1`, or of an Azure OpenAI resource. Undefined when none is configured. */
  readonly endpoint: string | undefined;
  /** Undefined asks for Entra tokens (Azure), or none at all (a server of one's own). */
  readonly apiKey: string | undefined;
  /** Of Azure OpenAI's classic API; undefined for every other server. */
  readonly apiVersion: string | undefined;
  /** The model; on Azure the name of its deployment. */
  readonly model: string;
  /** For a whole answer, tries included; for a streamed one until each next piece. */
  readonly timeoutMs: number;
}

const MAX_RETRIES = 2;
/** The longest `Retry-After` that is waited for. */
const MAX_WAIT_SECONDS = 2;
/** The audience of Entra tokens for Azure's AI services. @see https://learn.microsoft.com/azure/ai-services/authentication */
const AZURE_SCOPE = 'https://cognitiveservices.azure.com/.default';
/** Domains of Azure's AI services; only these are ever sent a token of the ambient identity. */
const AZURE_DOMAINS = /\.(?:openai|cognitiveservices|services\.ai)\.azure\.(?:com|us|cn)$/;

/** @throws {@link AppError} `AI.NOT_CONFIGURED` when no server is named. */
export function createClient({ endpoint, apiKey, apiVersion, model, timeoutMs }: AiServer): OpenAI {
  if (endpoint === undefined) throw aiError('AI.NOT_CONFIGURED');
  // What the SDK would read from the environment by itself is told here, so that only our settings decide.
  const options = {
    organization: null,
    project: null,
    timeout: timeoutMs,
    maxRetries: MAX_RETRIES,
    logLevel: 'off' as const,
    fetch: fetchWithoutLongWaits,
  };
  if (apiVersion !== undefined) {
    const proof = apiKey === undefined ? { apiKey: '', azureADTokenProvider: ambientToken } : { apiKey };
    const baseURL = `${endpoint.replace(/\/+$/, '')}/openai`;
    return new AzureOpenAI({ ...options, baseURL, apiVersion, deployment: model, ...proof });
  }
  if (AZURE_DOMAINS.test(new URL(endpoint).hostname)) {
    // Azure's newer API is the plain one, with its own name for the header of a key.
    const proof = apiKey === undefined ? { apiKey: ambientToken } : { apiKey, defaultHeaders: { 'api-key': apiKey } };
    return new OpenAI({ ...options, baseURL: endpoint, ...proof });
  }
  // A server of one's own asks for no key, but the SDK must have one to send.
  return new OpenAI({ ...options, baseURL: endpoint, apiKey: apiKey ?? 'none' });
}

/** A server that asks for a longer wait is not tried again here: the caller is told how long to wait instead. */
async function fetchWithoutLongWaits(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const wait = response.headers.get('retry-after');
  if (response.ok || wait === null || Number(wait) <= MAX_WAIT_SECONDS) return response;
  const headers = new Headers(response.headers);
  headers.set('x-should-retry', 'false');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

let tokenProvider: Promise<() => Promise<string>> | undefined;

/** A token of the managed identity, workload identity, environment or developer sign-in, found on first use. */
async function ambientToken(): Promise<string> {
  tokenProvider ??= import('./ambient-token.js').then(({ ambientTokenProvider }) => ambientTokenProvider(AZURE_SCOPE));
  return (await tokenProvider)();
}
