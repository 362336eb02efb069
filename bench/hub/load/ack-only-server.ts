import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { PacketReader } from './mqtt-bytes.js';

/**
 * A server that acknowledges what it is sent and does nothing else: it shows what the load generator can do.
 * Arguments: the files of its certificate and key.
 */
const [certFile = '', keyFile = ''] = process.argv.slice(2);

const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), noDelay: true }, (socket) => {
  let answers: Buffer[] = [];
  const reader = new PacketReader((type, body) => {
    if (type === 0x10) answers.push(Buffer.from([0x20, 2, 0, 0]));
    else {
      const id = 2 + body.readUInt16BE(0);
      answers.push(Buffer.from([0x40, 2, body[id] ?? 0, body[id + 1] ?? 0]));
    }
  });
  socket.on('data', (chunk: Buffer) => {
    reader.read(chunk);
    socket.write(Buffer.concat(answers));
    answers = [];
  });
  socket.on('error', () => undefined);
});
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ ready: 'ack-only-server', port: (server.address() as AddressInfo).port }));
});
process.on('SIGTERM', () => process.exit(0));
