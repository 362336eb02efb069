import type { Duplex } from 'node:stream';
import { AmqpTestClient } from '../../../apps/iot-hub-emulator/test-support/amqp-client.js';

type AmqpOptions = ConstructorParameters<typeof AmqpTestClient>[1];

/** An AMQP client on a byte stream to a hub. @param onSent gets what the client writes */
export function amqpOver(
  stream: Duplex,
  options: AmqpOptions = {},
  onSent: (chunk: Buffer) => void = () => undefined,
): AmqpTestClient {
  return new AmqpTestClient((client) => {
    client.on('data', onSent);
    client.on('error', () => undefined);
    stream.once('close', () => client.destroy());
    client.once('close', () => stream.destroy());
    client.pipe(stream).pipe(client);
  }, options);
}
