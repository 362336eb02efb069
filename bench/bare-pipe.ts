import { createServer } from 'node:http';
import { Agent, get } from 'node:https';
import { trustCertificateAuthority } from '#libs/runtime';

/**
 * The baseline of a blob download through the API: a process that pipes a blob's URL to its answer and does nothing else,
 * but for a small answer at `/info`, to see how long it keeps another caller waiting.
 * Arguments: the CA file, and the URL with its SAS up to the blob's name, and after it.
 */
const [caFile = '', urlStart = '', sas = ''] = process.argv.slice(2);
trustCertificateAuthority(caFile);
const agent = new Agent({ keepAlive: true });

const server = createServer((request, response) => {
  if (request.url === '/info') {
    response.end('{}');
    return;
  }
  get(`${urlStart}${request.url ?? ''}${sas}`, { agent }, (blob) => {
    response.writeHead(blob.statusCode ?? 502, { 'content-length': blob.headers['content-length'] });
    blob.pipe(response);
  }).on('error', () => response.destroy());
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(JSON.stringify({ ready: 'bare-pipe', port: typeof address === 'object' ? address?.port : undefined }));
});
process.on('SIGTERM', () => process.exit(0));
