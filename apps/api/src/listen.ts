import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { AppError } from '#libs/runtime';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { HttpConfig } from './api.config.js';

/**
 * Starts to answer requests; port 0 takes a free one.
 *
 * @returns the address to call, such as `http://127.0.0.1:8000`.
 * @throws {@link AppError} `SETTINGS.PORT_BUSY` when something else listens there already.
 */
export async function listen(app: NestExpressApplication, { host, port }: HttpConfig): Promise<string> {
  // Nest's own listen would log the error too, with its stack.
  const server = app.getHttpServer().listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new AppError('SETTINGS.PORT_BUSY', `Port ${port} on ${host} is in use by another program.`, {
      hint: 'Stop that program, or choose another port with API_PORT.',
      cause,
    });
  }
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${name}:${address.port}`;
}
