import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import sharp from 'sharp';

/** A network camera on the loopback interface. */
export interface CameraServer {
  /** `http://127.0.0.1:PORT` */
  url: string;
  /** The paths that were asked for, in order. */
  requests: string[];
  close(): Promise<void>;
}

const BOUNDARY = 'frame';

/**
 * Serves `/snapshot.jpg` (one picture), `/stream` (pictures without end), `/stalled` (many pictures at once, then silence)
 * and `/silent` (no answer at all). The pictures are 64x48, each of another grey.
 */
export async function startCameraServer(): Promise<CameraServer> {
  const requests: string[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const sockets = new Set<Socket>();
  let shots = 0;
  const picture = (): Promise<Buffer> => {
    shots += 1;
    const grey = (shots * 10) % 250;
    return sharp({ create: { width: 64, height: 48, channels: 3, background: { r: grey, g: grey, b: grey } } })
      .jpeg()
      .toBuffer();
  };
  const part = async (response: ServerResponse): Promise<void> => {
    const jpeg = await picture();
    response.write(`--${BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
    response.write(jpeg);
    response.write('\r\n');
  };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    requests.push(path);
    const stream = { 'content-type': `multipart/x-mixed-replace; boundary=${BOUNDARY}` };
    switch (path) {
      case '/snapshot.jpg':
        void picture().then((jpeg) => response.writeHead(200, { 'content-type': 'image/jpeg' }).end(jpeg));
        break;
      case '/stream': {
        response.writeHead(200, stream);
        const timer = setInterval(() => void part(response), 20);
        timers.add(timer);
        response.on('close', () => {
          clearInterval(timer);
        });
        break;
      }
      case '/stalled':
        response.writeHead(200, stream);
        void (async () => {
          // More than a reader wants to see before it knows what it reads.
          for (let count = 0; count < 60; count += 1) await part(response);
        })();
        break;
      case '/silent':
        break;
      default:
        response.writeHead(404).end();
    }
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
