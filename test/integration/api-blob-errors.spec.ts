import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ContainerClient } from '@azure/storage-blob';
import { createBlobContainer } from '#libs/blob-storage';
import { trustCertificateAuthority } from '#libs/runtime';
import sharp from 'sharp';
import { type RunningApi, startApi } from '../support/api.js';
import { startAzurite } from '../support/azurite.js';
import { selfSignedCertificate } from '../support/self-signed-certificate.js';
import { until } from '../support/until.js';

const MEBIBYTE = 1024 * 1024;

const aForm = (content: Buffer): FormData => {
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array(content)], { type: 'text/plain' }), 'file.txt');
  return form;
};

/** The status and the code of a problem; a HEAD has no body to hold one. */
async function outcome(response: Response): Promise<{ status: number; code?: string }> {
  const text = await response.text();
  return { status: response.status, ...(text && { code: (JSON.parse(text) as { code: string }).code }) };
}

describe('a blob under a lease', () => {
  const LOCKED = { status: 409, code: 'BLOB.LOCKED' };
  const name = 'locked.txt';
  let api: RunningApi;
  let container: ContainerClient;
  const closing: (() => unknown)[] = [];

  beforeAll(async () => {
    const certificate = await selfSignedCertificate();
    closing.unshift(() => {
      certificate.remove();
    });
    trustCertificateAuthority(certificate.certFile);
    const azurite = await startAzurite(certificate);
    closing.unshift(azurite.close);
    await createBlobContainer(azurite.connectionString, 'dev');
    container = new ContainerClient(azurite.connectionString, 'dev');
    api = await startApi({ BLOB_STORAGE_CONNECTION_STRING: azurite.connectionString });
    closing.unshift(() => api.close());
  }, 60_000);

  afterAll(async () => {
    for (const close of closing) await close();
  });

  const upload = (content: Buffer, query = '') =>
    fetch(`${api.url}/blob_storage?blob_name=${name}${query}`, { method: 'POST', body: aForm(content) });
  const remove = () => fetch(`${api.url}/blob_storage/${name}`, { method: 'DELETE' });
  const text = async () => (await fetch(`${api.url}/blob_storage/${name}`)).text();

  it('can be read, but neither replaced nor deleted until the lease is released', async () => {
    await upload(Buffer.from('first'));
    const lease = container.getBlobClient(name).getBlobLeaseClient();
    await lease.acquireLease(-1);

    expect(await text()).toBe('first');
    // In one piece, and in blocks that are refused before the whole has come.
    for (const content of [Buffer.from('second'), randomBytes(9 * MEBIBYTE)])
      expect(await outcome(await upload(content, '&overwrite=true'))).toEqual(LOCKED);
    expect(await outcome(await upload(Buffer.from('second')))).toEqual({ status: 409, code: 'BLOB.ALREADY_EXISTS' });
    expect(await outcome(await remove())).toEqual(LOCKED);
    expect(await text()).toBe('first');

    await lease.releaseLease();
    expect((await upload(Buffer.from('second'), '&overwrite=true')).status).toBe(201);
    expect(await text()).toBe('second');
    expect((await remove()).status).toBe(204);
  });
});

describe('a storage', () => {
  let api: RunningApi;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  const storage = createServer((request, response) => {
    request.resume();
    answer(request, response);
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => storage.listen(0, '127.0.0.1', resolve));
    const { port } = storage.address() as AddressInfo;
    api = await startApi({
      BLOB_STORAGE_ENDPOINT: `http://127.0.0.1:${port}/account`,
      BLOB_STORAGE_SAS_TOKEN: 'sig=the-secret',
      AI_SERVICES_ENDPOINT: 'http://127.0.0.1:9/v1',
    });
  });

  afterAll(async () => {
    await api.close();
    storage.closeAllConnections();
    storage.close();
  });

  const call = (path: string, method: string) =>
    fetch(`${api.url}/blob_storage${path}`, {
      method,
      ...(method === 'POST' && { body: aForm(Buffer.from('content')) }),
    });

  const READS = [
    ['/x', 'GET'],
    ['/images/a/b', 'GET'],
    ['/images/a/b?width=1', 'GET'],
  ] as const;
  const WRITES = [
    ['?blob_name=x&overwrite=true', 'POST'],
    ['/x', 'DELETE'],
  ] as const;
  const ALL = [...READS, ...WRITES, ['', 'GET'], ['/x', 'HEAD'], ['?blob_name=x', 'POST']] as const;

  const FAILED = { status: 502, code: 'BLOB_STORAGE.FAILED' };
  const THROTTLED = { status: 503, code: 'BLOB_STORAGE.THROTTLED' };
  const LOCKED = { status: 409, code: 'BLOB.LOCKED' };

  /** What each call comes to; that of a HEAD, which has no body, is its status alone. */
  const expectOutcomes = async (
    calls: readonly (readonly [path: string, method: string])[],
    expected: { status: number; code: string },
  ) => {
    const outcomes = await Promise.all(calls.map(async ([path, method]) => outcome(await call(path, method))));
    expect(outcomes).toEqual(calls.map(([, method]) => (method === 'HEAD' ? { status: expected.status } : expected)));
  };

  // As the service words its errors; a HEAD has the code in the header alone.
  it.each([
    ['that breaks down has failed', 500, 'InternalError', FAILED, ALL],
    ['that takes the request for wrong has failed', 400, 'InvalidHeaderValue', FAILED, ALL],
    ['that has another kind of blob there has failed', 409, 'InvalidBlobType', FAILED, WRITES],
    ['that is busy throttles', 503, 'ServerBusy', THROTTLED, ALL],
    ['that is asked too often throttles', 429, 'TooManyRequests', THROTTLED, ALL],
    ['that has archived a blob holds it locked', 409, 'BlobArchived', LOCKED, READS],
    ['that thaws a blob holds it locked', 409, 'BlobBeingRehydrated', LOCKED, READS],
    ['that must keep a blob holds it locked', 409, 'BlobImmutableDueToPolicy', LOCKED, WRITES],
    ['that must keep a blob by law holds it locked', 409, 'BlobImmutableDueToLegalHold', LOCKED, WRITES],
  ] as const)('%s: %d %s', async (_what, status, code, expected, calls) => {
    answer = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/xml', 'x-ms-error-code': code });
      response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>of it</Message></Error>`);
    };
    await expectOutcomes(calls, expected);
  });

  it.each([
    ['nothing', ''],
    ['the page of a proxy', '<html><body>Sign in</body></html>'],
    ['JSON', '{"a":1}'],
  ])('that answers 200 and %s has failed', async (_what, body) => {
    answer = (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(body);
    await expectOutcomes(ALL, FAILED);
  });

  it('that is slow lets few pictures into memory and some into the line, and the API turns the rest away', async () => {
    const AT_ONCE = 2;
    const IN_LINE = 32;
    const TOO_MANY = 6;
    const BUSY = { status: 503, code: 'IMAGE.BUSY' };
    const picture = await sharp({ create: { width: 300, height: 200, channels: 3, background: 'teal' } })
      .jpeg()
      .toBuffer();
    const waiting: (() => void)[] = [];
    let isSlow = true;
    let reads = 0;
    answer = ({ method }, response) => {
      const send = () => {
        response.writeHead(200, {
          'content-type': 'image/jpeg',
          'content-length': picture.length,
          etag: '"1"',
          'last-modified': new Date(0).toUTCString(),
        });
        response.end(method === 'HEAD' ? undefined : picture);
      };
      if (method === 'GET') reads++;
      if (method === 'GET' && isSlow) waiting.push(send);
      else send();
    };

    const outcomes: { status: number; code?: string }[] = [];
    const show = async (index: number) => {
      const response = await fetch(`${api.url}/blob_storage/images/device/${index}.jpg?width=160`);
      outcomes.push(response.ok ? { status: response.status } : await outcome(response));
      if (response.ok) expect((await sharp(await response.arrayBuffer()).metadata()).width).toBe(160);
    };
    const shown = Array.from({ length: AT_ONCE + IN_LINE + TOO_MANY }, (_, index) => show(index));
    await until(() => outcomes.length >= TOO_MANY, 'the requests beyond the line to be refused');

    const form = aForm(picture);
    form.set('prompt', 'What is it?');
    const asked = await fetch(`${api.url}/ai_services/chat/completions_with_image`, { method: 'POST', body: form });
    expect(await outcome(asked)).toEqual(BUSY);
    expect(outcomes).toEqual(Array<unknown>(TOO_MANY).fill(BUSY));
    await until(() => waiting.length > 0, 'the storage to be asked');
    expect(reads).toBe(AT_ONCE);

    isSlow = false;
    for (const send of waiting) send();
    await Promise.all(shown);
    expect(outcomes.slice(TOO_MANY)).toEqual(Array<unknown>(AT_ONCE + IN_LINE).fill({ status: 200 }));
    expect(reads).toBe(AT_ONCE + IN_LINE);
  });
});
