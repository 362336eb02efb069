import type { ErrorTable } from '../../http/error-table.js';

/** What goes wrong between the API and Cosmos DB. */
export const telemetryErrors = {
  'COSMOS.ACCESS_DENIED': {
    status: 502,
    title: 'Cosmos DB refuses the credentials of the API',
    hint: 'Check the COSMOS_ settings, the data-plane role of the identity, and that the clock is right.',
  },
  'COSMOS.CONTAINER_NOT_FOUND': {
    status: 502,
    title: 'The database or container does not exist',
    hint: 'Create it, or correct COSMOS_DATABASE_NAME and COSMOS_CONTAINER_NAME.',
  },
  'COSMOS.FAILED': {
    status: 502,
    title: 'Cosmos DB has failed',
    hint: 'Repeat the request; if it lasts, look at the log of the API.',
  },
  'COSMOS.UNREACHABLE': {
    status: 502,
    title: 'Cosmos DB cannot be reached',
    hint: 'Check that it runs, its endpoint in the settings, and CA_FILE.',
  },
  'COSMOS.NOT_CONFIGURED': {
    status: 503,
    title: 'No Cosmos DB is configured',
    hint: 'Set COSMOS_CONNECTION_STRING, or COSMOS_ENDPOINT with COSMOS_KEY or a managed identity.',
  },
  'COSMOS.THROTTLED': {
    status: 503,
    title: 'Cosmos DB is busy',
    hint: 'Try again in a few seconds; more request units allow more.',
  },
  'COSMOS.TIMEOUT': {
    status: 504,
    title: 'Cosmos DB did not answer in time',
    hint: 'Repeat the request; if it lasts, check the network between API and Cosmos DB.',
  },
} as const satisfies ErrorTable;

/** What every call to Cosmos DB may end in. */
export const cosmosProblems = [
  'COSMOS.ACCESS_DENIED',
  'COSMOS.CONTAINER_NOT_FOUND',
  'COSMOS.FAILED',
  'COSMOS.UNREACHABLE',
  'COSMOS.NOT_CONFIGURED',
  'COSMOS.THROTTLED',
  'COSMOS.TIMEOUT',
] as const;
