import { request } from 'node:https';

const TIMEOUT_MS = 5_000;

/**
 * How far this machine's clock is ahead of a server's, in milliseconds, by the `Date` header of any HTTPS answer (exact
 * to about a second); undefined when the server gives none.
 *
 * @param hostName - with or without a port
 */
export function measureClockSkewMs(hostName: string, ca?: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const url = new URL(`https://${hostName}/`);
    const probe = request(url, { method: 'HEAD', agent: false, timeout: TIMEOUT_MS, ...(ca ? { ca } : {}) });
    probe.on('response', (response) => {
      response.resume();
      const serverTime = Date.parse(response.headers.date ?? '');
      resolve(Number.isNaN(serverTime) ? undefined : Date.now() - serverTime);
    });
    probe.on('timeout', () => probe.destroy());
    probe.on('error', () => {
      resolve(undefined);
    });
    probe.on('close', () => {
      resolve(undefined);
    });
    probe.end();
  });
}
