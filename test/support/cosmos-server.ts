import { readFile } from 'node:fs/promises';
import { Agent, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createHttpsServer } from '@vercel/cosmosdb-server';
import { CosmosClient, type Container } from '@azure/cosmos';
import { ensureTlsFiles } from '../../apps/iot-hub-emulator/src/tls/tls-files.js';

/** A document that IoT Hub routed. */
export interface RoutedDocument {
  readonly id: string;
  readonly Properties: Record<string, string>;
  readonly SystemProperties: Record<string, string>;
  readonly 'iothub-name': string;
  readonly Body: unknown;
  readonly [name: string]: unknown;
}

/** A Cosmos DB in this process, with a certificate of the emulator's own authority, and one container. */
export interface CosmosServer {
  readonly connectionString: string;
  readonly container: Container;
  /** What is done to requests: `down` ends connections unheard, `deaf` does what is asked but never answers. */
  mode: 'up' | 'down' | 'deaf';
  /** Requests for documents that came so far, those that were not heard too. */
  readonly documentRequests: { readonly operations: number }[];
  /** All documents of the container, in the order they were first written. */
  documents(): Promise<RoutedDocument[]>;
  close(): Promise<void>;
}

const KEY = Buffer.from('key').toString('base64');

/**
 * @param tlsDirectory where the emulator keeps its certificates, made if missing
 */
export async function startCosmosServer(tlsDirectory: string): Promise<CosmosServer> {
  const tls = await ensureTlsFiles(tlsDirectory, []);
  const server = createHttpsServer({
    cert: await readFile(tls.certFile),
    key: await readFile(tls.keyFile),
  });
  const documentRequests: { operations: number }[] = [];
  const writtenIds: string[] = [];
  const state: { mode: CosmosServer['mode'] } = { mode: 'up' };
  guard(server, { documentRequests, writtenIds, mode: () => state.mode });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };

  const endpoint = `https://localhost:${port}/`;
  const agent = new Agent({ ca: await readFile(tls.caFile) });
  const client = new CosmosClient({ endpoint, key: KEY, agent, connectionPolicy: { enableEndpointDiscovery: false } });
  const { database } = await client.databases.create({ id: 'iot' });
  const { container } = await database.containers.create({ id: 'telemetry', partitionKey: '/partitionKey' });
  return {
    connectionString: `AccountEndpoint=${endpoint};AccountKey=${KEY};`,
    container,
    get mode() {
      return state.mode;
    },
    set mode(mode) {
      state.mode = mode;
      if (mode !== 'up') server.closeAllConnections();
    },
    documentRequests,
    async documents() {
      const { resources } = await container.items.readAll<RoutedDocument>().fetchAll();
      // Its own order is not that of writing.
      const places = new Map([...writtenIds.entries()].reverse().map(([place, id]) => [id, place]));
      return resources.sort((a, b) => (places.get(a.id) ?? 0) - (places.get(b.id) ?? 0));
    },
    async close() {
      client.dispose();
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Guard {
  readonly documentRequests: { operations: number }[];
  readonly writtenIds: string[];
  readonly mode: () => CosmosServer['mode'];
}

function guard(server: Server, { documentRequests, writtenIds, mode }: Guard): void {
  const answer = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { method, url = '', headers } = request;
    if (method === 'POST' && /\/docs\/?$/.test(url) && headers['x-ms-documentdb-isquery'] === undefined) {
      const entry = { operations: 1 };
      documentRequests.push(entry);
      if (mode() === 'down') {
        request.socket.destroy();
        return;
      }
      note(request, entry, writtenIds);
      if (mode() === 'deaf') {
        response.end = () => {
          request.socket.destroy();
          return response;
        };
      }
    }
    for (const listener of answer) listener(request, response);
  });
}

function note(request: IncomingMessage, entry: { operations: number }, writtenIds: string[]): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as { id: string } | { resourceBody: { id: string } }[];
    const documents = Array.isArray(body) ? body.map(({ resourceBody }) => resourceBody) : [body];
    entry.operations = documents.length;
    writtenIds.push(...documents.map(({ id }) => id));
  });
}
