import type { ErrorTable } from '../../http/error-table.js';

/** What goes wrong between the API and the AI server. */
export const aiServicesErrors = {
  'AI.FILE_MISSING': {
    status: 400,
    title: 'The form has no picture',
    hint: 'Send multipart/form-data with the picture as the field file.',
  },
  'AI.BAD_REQUEST': {
    status: 422,
    title: 'The AI server does not accept the request',
    hint: 'details.reason gives its reason: the model may take no images, no such schema, or not so much text.',
  },
  'AI.RATE_LIMITED': {
    status: 429,
    title: 'The AI server is asked too often',
    hint: 'Wait as many seconds as the Retry-After header says.',
  },
  'AI.FAILED': {
    status: 502,
    title: 'The AI server has failed',
    hint: 'Repeat the request; if it lasts, look at the log of the AI server.',
  },
  'AI.MODEL_NOT_FOUND': {
    status: 502,
    title: 'The AI server knows no such model or address',
    hint: 'Check AI_SERVICES_ENDPOINT and AI_SERVICES_MODEL_GPT (on Azure the name of the deployment).',
  },
  'AI.UNAUTHORIZED': {
    status: 502,
    title: 'The AI server refuses the credentials of the API',
    hint: 'Check AI_SERVICES_API_KEY, or the rights of the managed identity.',
  },
  'AI.UNAVAILABLE': {
    status: 502,
    title: 'The AI server cannot be reached, or is down',
    hint: 'Check that it runs, and AI_SERVICES_ENDPOINT.',
  },
  'AI.NOT_CONFIGURED': {
    status: 503,
    title: 'No AI server is configured',
    hint: 'Set AI_SERVICES_ENDPOINT, AI_SERVICES_API_KEY and AI_SERVICES_MODEL_GPT; any OpenAI-compatible server will do.',
  },
  'AI.TIMEOUT': {
    status: 504,
    title: 'The AI server did not answer in time',
    hint: 'Ask for less, or allow more time with AI_SERVICES_TIMEOUT_SECONDS.',
  },
} as const satisfies ErrorTable;

/** What every question to the AI server may end in. */
export const aiProblems = [
  'AI.BAD_REQUEST',
  'AI.RATE_LIMITED',
  'AI.FAILED',
  'AI.MODEL_NOT_FOUND',
  'AI.UNAUTHORIZED',
  'AI.UNAVAILABLE',
  'AI.NOT_CONFIGURED',
  'AI.TIMEOUT',
] as const;
