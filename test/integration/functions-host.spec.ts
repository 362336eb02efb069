import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { createBlobContainer } from '#libs/blob-storage';
import { trustCertificateAuthority } from '#libs/runtime';
import sharp from 'sharp';
import { startAzurite } from '../support/azurite.js';
import { freePort } from '../support/free-port.js';
import { type CertificateFiles, selfSignedCertificate } from '../support/self-signed-certificate.js';
import { unzip } from '../support/unzip.js';
import { until } from '../support/until.js';

/** How long the host waits for its handler. */
const START_LIMIT_MS = 30_000;
const HOST_NAME = 'func-spyglass.azurewebsites.net';
const KEY = 'a-key-of-more-than-16-characters';
const RATE_LIMIT = 20;

let directory: string;
let packed: string[];
let certificate: CertificateFiles;
let azurite: Awaited<ReturnType<typeof startAzurite>>;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spyglass-functions-'));
  const zip = join(directory, 'package.zip');
  await promisify(execFile)(process.execPath, ['tools/functions-package.mjs', zip]);
  packed = unzip(zip, directory);
  certificate = await selfSignedCertificate();
  trustCertificateAuthority(certificate.certFile);
  azurite = await startAzurite(certificate);
  await createBlobContainer(azurite.connectionString, 'dev');
}, 240_000);

afterEach(() => {
  for (const handler of running) handler.kill('SIGKILL');
  running.clear();
});

afterAll(async () => {
  await azurite.close();
  certificate.remove();
  await rm(directory, { recursive: true });
});

interface HostJson {
  customHandler: { description: { defaultExecutablePath: string; arguments: string[] } };
}

/** Starts what was packed as the Functions host does, with the variables that it adds to the app's settings. */
async function startHandler(settings: Record<string, string>) {
  const port = await freePort();
  const { description } = (JSON.parse(readFileSync(join(directory, 'host.json'), 'utf8')) as HostJson).customHandler;
  const child = spawn(join(directory, description.defaultExecutablePath), description.arguments, {
    cwd: directory,
    env: {
      FUNCTIONS_WORKER_RUNTIME: 'custom',
      FUNCTIONS_HTTPWORKER_PORT: String(port),
      FUNCTIONS_CUSTOMHANDLER_PORT: String(port),
      FUNCTIONS_CUSTOMHANDLER_WORKER_ID: '0b9a3c1e-7d52-4c8e-9f0e-2f6a1d3b5c7e',
      FUNCTIONS_APP_ROOT_PATH: directory,
      CORE_LOG_LEVEL: 'silent',
      // A port that must not be taken: the host's goes first.
      API_PORT: '1',
      ...settings,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running.add(child);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const exited = once(child, 'close').then(([code, signal]: unknown[]) => code ?? signal);
  return { port, child, exited, errors: () => errors };
}

interface Forwarded {
  method?: string;
  headers?: Record<string, string>;
  body?: AsyncIterable<Buffer> | Buffer;
  /** As the front end writes it: address and port. */
  client?: string;
}

/** Sends what the host sends for a request from the internet: the caller's own headers with its Host, and a few more. */
async function forward(port: number, path: string, { method = 'GET', headers = {}, body, client }: Forwarded = {}) {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    path,
    method,
    headers: {
      host: HOST_NAME,
      'x-forwarded-for': client ?? '203.0.113.9:51234',
      'x-forwarded-proto': 'https',
      'disguised-host': HOST_NAME,
      'x-ms-invocation-id': '3d2a7f70-6c39-4b52-a64c-8f3d0f9f9a11',
      ...headers,
    },
  });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  if (body instanceof Buffer) outgoing.end(body);
  else {
    for await (const chunk of body ?? []) outgoing.write(chunk);
    outgoing.end();
  }
  const [response] = await answered;
  return response;
}

async function pinged(port: number): Promise<boolean> {
  // Any answer will do, whatever its status.
  try {
    await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

describe('the API as the custom handler of Azure Functions', () => {
  it('is packed with its own files and packages, a Node, and nothing of the other applications', () => {
    expect(packed).toEqual(
      expect.arrayContaining(['host.json', 'api/function.json', 'LICENSE', 'NOTICE', 'bin/node', 'package.json']),
    );
    const foreign =
      /^dist\/apps\/(?!api\/)|^node_modules\/(?:node-av|node|azurite|tesseract\.js|jest|typescript)\/|\.d\.ts$/;
    expect(packed.filter((name) => foreign.test(name))).toEqual([]);
  });

  it('refuses to start without API keys, and says why', async () => {
    const { exited, errors, port } = await startHandler({});
    expect(await exited).toBe(1);
    expect(errors()).toContain('API_KEYS: is required under Azure Functions');
    expect(await pinged(port)).toBe(false);
  });

  it('serves on the port of its host what is forwarded, streamed both ways, and stops when told to', async () => {
    const { port, child, exited } = await startHandler({
      API_KEYS: KEY,
      ALLOWED_HOSTS: HOST_NAME,
      TRUST_PROXY: 'true',
      RATE_LIMIT_PER_MINUTE: String(RATE_LIMIT),
      CA_FILE: certificate.certFile,
      BLOB_STORAGE_CONNECTION_STRING: azurite.connectionString,
    });
    await until(() => pinged(port), 'an answer to the ping of the host', START_LIMIT_MS);

    const swagger = await forward(port, '/');
    expect(swagger.statusCode).toBe(200);
    expect((await buffer(swagger)).toString()).toContain('swagger-ui');

    const withoutKey = await forward(port, '/core/info');
    expect(withoutKey.statusCode).toBe(401);
    expect(await json(withoutKey)).toMatchObject({ code: 'REQUEST.UNAUTHORIZED' });

    const info = await forward(port, '/core/info', { headers: { 'x-api-key': KEY } });
    expect(info.statusCode).toBe(200);
    expect(await json(info)).toHaveProperty('version');

    const foreignHost = await forward(port, '/core/info', { headers: { host: 'evil.example', 'x-api-key': KEY } });
    expect(foreignHost.statusCode).toBe(421);
    foreignHost.resume();

    // Without a length, as a streaming client sends it.
    const block = Buffer.alloc(64 * 1024, 'spyglass');
    const form = async function* () {
      yield Buffer.from('--b\r\ncontent-disposition: form-data; name="file"; filename="a.bin"\r\n\r\n');
      for (let i = 0; i < 64; i += 1) yield await Promise.resolve(block);
      yield Buffer.from('\r\n--b--\r\n');
    };
    const stored = await forward(port, '/blob_storage?blob_name=forwarded%2Fa.bin', {
      method: 'POST',
      headers: { 'x-api-key': KEY, 'content-type': 'multipart/form-data; boundary=b' },
      body: form(),
    });
    expect([stored.statusCode, await json(stored)]).toEqual([201, expect.anything()]);
    const read = await forward(port, '/blob_storage/forwarded/a.bin', { headers: { 'x-api-key': KEY } });
    expect((await buffer(read)).equals(Buffer.concat(Array.from({ length: 64 }, () => block)))).toBe(true);

    const jpeg = await sharp({ create: { width: 400, height: 200, channels: 3, background: 'teal' } })
      .jpeg()
      .toBuffer();
    const pictureForm = new FormData();
    pictureForm.set('file', new Blob([new Uint8Array(jpeg)]), 'b.jpg');
    const picture = new Response(pictureForm);
    const kept = await forward(port, '/blob_storage?blob_name=forwarded%2Fb.jpg', {
      method: 'POST',
      headers: { 'x-api-key': KEY, 'content-type': picture.headers.get('content-type') ?? '' },
      body: Buffer.from(await picture.arrayBuffer()),
    });
    expect([kept.statusCode, await json(kept)]).toEqual([201, expect.anything()]);
    const scaled = await forward(port, '/blob_storage/images/forwarded/b.jpg?width=160', {
      headers: { 'x-api-key': KEY },
    });
    expect((await sharp(await buffer(scaled)).metadata()).width).toBe(160);

    child.kill('SIGTERM');
    expect(await exited).toBe(0);
  }, 60_000);

  it('counts the requests of a client address together, whatever its port', async () => {
    const { port } = await startHandler({
      API_KEYS: KEY,
      ALLOWED_HOSTS: HOST_NAME,
      TRUST_PROXY: 'true',
      RATE_LIMIT_PER_MINUTE: String(RATE_LIMIT),
    });
    await until(() => pinged(port), 'an answer to the ping of the host', START_LIMIT_MS);
    const statusFor = async (client: string) => {
      const answer = await forward(port, '/core/info', { headers: { 'x-api-key': KEY }, client });
      answer.resume();
      return answer.statusCode;
    };
    for (const address of ['203.0.113.9', '[2001:db8::1]']) {
      for (let i = 0; i < RATE_LIMIT; i += 1) expect(await statusFor(`${address}:${40_000 + i}`)).toBe(200);
      expect(await statusFor(`${address}:50000`)).toBe(429);
    }
    expect(await statusFor('198.51.100.7:40000')).toBe(200);
  }, 60_000);
});
