import type { Logger } from 'pino';
import type { Listener } from './protocols/listener.js';

/** MQTT, AMQP and HTTPS: with all of them bound, clients need no port in their connection strings. */
export const STANDARD_PORTS = [8883, 5671, 443] as const;

/**
 * Binds the port of choice, and with `standardPorts` those of IoT Hub that are free and permitted.
 *
 * @returns the bound ports, the one of choice first.
 * @throws Node's own error when the port of choice cannot be bound.
 */
export async function openPorts(
  listener: Listener,
  options: { host: string; port: number; standardPorts: boolean; logger: Logger },
): Promise<number[]> {
  const { host, port, standardPorts, logger } = options;
  const bound = [await listener.listen(port, host)];
  for (const standard of standardPorts ? STANDARD_PORTS : []) {
    if (bound.includes(standard)) continue;
    try {
      bound.push(await listener.listen(standard, host));
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
      logger.info({ port: standard, reason }, 'Standard port not bound; the port of choice serves its protocol too');
    }
  }
  return bound;
}
