import { connect, type ConnectionOptions, createSecureContext, type TLSSocket } from 'node:tls';
import { readFileSync } from 'node:fs';
import { CONNACK, connectPacket, type Credentials, PacketReader, SUBACK, subscribePacket } from './mqtt-bytes.js';

/** Where the load goes to. */
export interface Target {
  readonly port: number;
  readonly caFile: string;
}

/** Options for sockets to a target, with one TLS context for all of them. */
export function targetOptions({ port, caFile }: Target): ConnectionOptions {
  const secureContext = createSecureContext({ ca: readFileSync(caFile) });
  return { host: '127.0.0.1', port, servername: 'localhost', secureContext };
}

export function openTls(options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect(options, () => {
      socket.off('error', reject);
      socket.setNoDelay(true);
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

/** An accepted MQTT connection. What arrives goes to `onPacket`, or, until that is set, nowhere. */
export interface MqttConnection {
  readonly socket: TLSSocket;
  onPacket: (type: number, body: Buffer) => void;
  /** Takes whole chunks in place of packets. */
  takeChunks(onChunk: (chunk: Buffer) => void): void;
}

/**
 * Connects a device and subscribes, one SUBSCRIBE a topic as the SDKs do.
 *
 * @throws Error when the server refuses, or ends the connection.
 */
export async function openMqtt(
  options: ConnectionOptions,
  credentials: Credentials,
  topics: readonly string[] = [],
): Promise<MqttConnection> {
  const socket = await openTls(options);
  return new Promise((resolve, reject) => {
    let missing = topics.length;
    const opened = () => {
      connection.onPacket = () => undefined;
      socket.off('close', lost);
      resolve(connection);
    };
    const lost = () => {
      reject(new Error(`${credentials.clientId}: the connection was lost`));
    };
    const connection: MqttConnection = {
      socket,
      onPacket(type, body) {
        if (type === CONNACK && body[1] === 0) {
          for (const [index, topic] of topics.entries()) socket.write(subscribePacket(topic, index + 1));
        } else if (type === SUBACK && (body[2] ?? 0x80) < 0x80) {
          missing -= 1;
        } else {
          reject(new Error(`${credentials.clientId}: refused with ${body.toString('hex')}`));
        }
        if (missing === 0) opened();
      },
      takeChunks(onChunk) {
        socket.off('data', readChunk).on('data', onChunk);
      },
    };
    const reader = new PacketReader((type, body) => {
      connection.onPacket(type, body);
    });
    const readChunk = (chunk: Buffer) => {
      reader.read(chunk);
    };
    socket.on('data', readChunk);
    socket.once('close', lost);
    socket.on('error', () => undefined);
    socket.write(connectPacket(credentials));
  });
}
