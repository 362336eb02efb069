import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** A camera that speaks RTSP, on the loopback interface. */
export interface RtspServer {
  /** `rtsp://user:secret@127.0.0.1:PORT/camera` */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves one H.264 stream of 160x120 by RTSP with its packets interleaved in the TCP connection. The `ffmpeg` program
 * encodes it and sends it as RTP to a UDP socket of this process, which passes it on.
 *
 * @see https://www.rfc-editor.org/rfc/rfc2326
 */
export async function startRtspServer(): Promise<RtspServer> {
  const udp = createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  const encoder = spawn('ffmpeg', [
    ...['-nostdin', '-loglevel', 'error', '-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=25,realtime'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '10', '-pix_fmt', 'yuv420p'],
    ...['-f', 'rtp', `rtp://127.0.0.1:${udp.address().port}`],
  ]);
  const sdp = await readSdp(encoder);
  const players = new Set<Socket>();
  const sockets = new Set<Socket>();
  udp.on('message', (packet) => {
    const frame = Buffer.concat([Buffer.from([0x24, 0, packet.length >> 8, packet.length & 0xff]), packet]);
    for (const socket of players) socket.write(frame);
  });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      players.delete(socket);
    });
    socket.on('error', () => socket.destroy());
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
      for (let end = received.indexOf('\r\n\r\n'); end >= 0; end = received.indexOf('\r\n\r\n')) {
        answer(socket, received.slice(0, end), { sdp, players });
        received = received.slice(end + 4);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `rtsp://user:secret@127.0.0.1:${(server.address() as AddressInfo).port}/camera`,
    close: async () => {
      encoder.kill('SIGKILL');
      udp.close();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** FFmpeg prints the description of what it sends before it starts. */
async function readSdp({ stdout }: ChildProcess): Promise<string> {
  let sdp = '';
  if (stdout === null) throw new Error('ffmpeg was started without pipes');
  for await (const chunk of stdout.setEncoding('utf8')) {
    sdp += chunk as string;
    if (sdp.includes('a=fmtp')) break;
  }
  // The port is not used: packets come interleaved.
  return `${sdp
    .slice(sdp.indexOf('v=0'))
    .trim()
    .replace(/m=video \d+/, 'm=video 0')}\r\na=control:track\r\n`;
}

function answer(socket: Socket, request: string, { sdp, players }: { sdp: string; players: Set<Socket> }): void {
  const method = request.slice(0, request.indexOf(' '));
  const sequence = /^CSeq: *(\d+)/im.exec(request)?.[1] ?? '0';
  const headers: string[] = [`CSeq: ${sequence}`];
  let body = '';
  switch (method) {
    case 'OPTIONS':
      headers.push('Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN');
      break;
    case 'DESCRIBE':
      headers.push('Content-Type: application/sdp', `Content-Length: ${sdp.length}`);
      body = sdp;
      break;
    case 'SETUP':
      headers.push('Session: 1', 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1');
      break;
    case 'PLAY':
      headers.push('Session: 1');
      break;
  }
  socket.write(`RTSP/1.0 200 OK\r\n${headers.join('\r\n')}\r\n\r\n${body}`);
  if (method === 'PLAY') players.add(socket);
}
