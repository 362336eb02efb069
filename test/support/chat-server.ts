import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** A request that the server has had. */
export interface SeenRequest {
  url: string;
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
  /** Whether the caller hung up before the answer was complete. */
  readonly aborted: boolean;
}

/**
 * Stands in for Azure OpenAI and for servers in trouble, which cannot run here: it speaks OpenAI's protocol, keeps
 * what it is asked, and answers as the test says.
 */
export interface ChatServer {
  url: string;
  seen: SeenRequest[];
  /** The next answers, in order; with none left, a completion that says "hello". */
  answers: ((response: ServerResponse) => void)[];
  close(): Promise<void>;
}

export async function startChatServer(): Promise<ChatServer> {
  const seen: SeenRequest[] = [];
  const answers: ChatServer['answers'] = [];
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const body = request.method === 'POST' ? ((await json(request)) as Record<string, unknown>) : {};
      let aborted = false;
      response.once('close', () => (aborted = !response.writableFinished));
      seen.push({
        url: request.url ?? '',
        headers: request.headers,
        body,
        get aborted() {
          return aborted;
        },
      });
      (answers.shift() ?? (body.stream === true ? sayHelloInPieces : sayHello))(response);
    };
    answer().catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answers,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** An answer of this status, with an error in OpenAI's shape. */
export function refuse(status: number, headers: Record<string, string> = {}): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify({ error: { message: `refused with ${status}`, type: 'error', code: 'refused' } }));
  };
}

/** One piece of a streamed answer. */
export function piece(content: string): string {
  const choices = [{ index: 0, delta: { content }, finish_reason: null }];
  return `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices })}\n\n`;
}

function sayHello(response: ServerResponse): void {
  const message = { role: 'assistant', content: 'hello', refusal: null };
  const choices = [{ index: 0, message, finish_reason: 'stop', logprobs: null }];
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({ id: 'c1', object: 'chat.completion', created: 1, model: 'm', choices, usage, extra_of_server: 1 }),
  );
}

function sayHelloInPieces(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(`${piece('hel')}${piece('lo')}data: [DONE]\n\n`);
}
