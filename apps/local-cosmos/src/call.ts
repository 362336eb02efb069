import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from './cosmos-error.js';
import type { ResourcePath } from './resource-path.js';

/** One request, read whole. */
export interface Call {
  readonly method: string;
  readonly path: ResourcePath;
  readonly headers: IncomingHttpHeaders;
  /** The body as JSON; undefined when there is none. */
  readonly body: unknown;
}

/** What a call is answered with. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Which part of a feed is asked for. */
export interface PageRequest {
  readonly maxItemCount: number | null;
  readonly continuation: { readonly token: string } | null;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a header that comes once. */
export function header({ headers }: Call, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Whether a header says true, in whichever case. */
export function flag(call: Call, name: string): boolean {
  return header(call, name)?.toLowerCase() === 'true';
}

/** Whether a POST to a feed asks a question in place of adding to it. */
export function isQuery(call: Call): boolean {
  return flag(call, 'x-ms-documentdb-isquery') || header(call, 'content-type') === 'application/query+json';
}

/** @throws {@link CosmosError} 400 for a continuation that this server has not given. */
export function pageRequest(call: Call): PageRequest {
  const text = header(call, 'x-ms-continuation');
  const limit = Number(header(call, 'x-ms-max-item-count') ?? -1);
  if (!Number.isInteger(limit)) throw badRequest('x-ms-max-item-count is no whole number.');
  return { maxItemCount: limit > 0 ? limit : null, continuation: text === undefined ? null : parseContinuation(text) };
}

function parseContinuation(text: string): { token: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value) && typeof value.token === 'string' && value.token.startsWith('+RID:'))
      return { token: value.token };
  } catch {
    // Not JSON: refused below, since the engine would begin anew.
  }
  throw badRequest('The continuation was not given by this server.');
}

/** A page as the protocol writes it: the items under the name of their kind. */
export function pageReply(name: string, page: unknown): Reply {
  const { result, continuation } = page as { result: readonly unknown[]; continuation: unknown };
  return {
    status: 200,
    body: { [name]: result, _count: result.length },
    headers: {
      'x-ms-item-count': String(result.length),
      ...(continuation !== null && { 'x-ms-continuation': JSON.stringify(continuation) }),
    },
  };
}
