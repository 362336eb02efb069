import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Hub } from '../../hub/hub.js';

/** A request that has found its route. */
export interface HttpCall {
  readonly hub: Hub;
  readonly request: IncomingMessage;
  /** Values of the `:name` segments of the route's path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Aborts when the client goes away before it has its reply. */
  readonly signal: AbortSignal;
}

/** What goes back; no body means none at all. */
export interface HttpReply {
  readonly status: number;
  /** A JSON value, or bytes, which go out as they are, with the content type among `headers`. */
  readonly body?: unknown;
  readonly headers?: OutgoingHttpHeaders;
}

/** One operation over HTTPS. */
export interface HttpRoute {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Segments by slashes; `:name` stands for any one segment. */
  readonly path: string;
  /** `nested` for direct methods and file uploads, whose errors come as JSON within JSON. Default `plain`. */
  readonly errors?: 'plain' | 'nested';
  handle(call: HttpCall): HttpReply | Promise<HttpReply>;
}
