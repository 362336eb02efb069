import type { ConnectionOptions } from 'node:tls';
import { openTls } from './connection.js';

const HEAD_END = Buffer.from('\r\n\r\n');

/** One kept connection that sends one request at a time, as it is. */
export interface HttpsCaller {
  /** @returns the answer's body. @throws Error when its status is not 200. */
  call(request: Buffer): Promise<Buffer>;
}

export async function openCaller(options: ConnectionOptions): Promise<HttpsCaller> {
  const socket = await openTls(options);
  let received: Buffer = Buffer.alloc(0);
  let waiting: { resolve: (body: Buffer) => void; reject: (cause: Error) => void } | undefined;
  socket.on('data', (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const headEnd = received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = received.toString('latin1', 0, headEnd);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    const bodyStart = headEnd + HEAD_END.length;
    if (received.length < bodyStart + length) return;
    const body = received.subarray(bodyStart, bodyStart + length);
    received = received.subarray(bodyStart + length);
    if (head.startsWith('HTTP/1.1 200')) waiting?.resolve(body);
    else waiting?.reject(new Error(`${head.split('\r\n', 1)[0] ?? ''}: ${body.toString()}`));
  });
  socket.on('close', () => waiting?.reject(new Error('the hub closed the connection')));
  return {
    call(request) {
      return new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(request);
      });
    },
  };
}

/** A request for {@link HttpsCaller}. */
export function httpRequest(line: string, authorization: string, body: string): Buffer {
  const head = [
    `${line} HTTP/1.1`,
    'Host: localhost',
    `Authorization: ${authorization}`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
