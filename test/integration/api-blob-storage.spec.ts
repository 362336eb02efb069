import { createHash, randomBytes } from 'node:crypto';
import { createServer, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { BlobStorage, createBlobContainer } from '#libs/blob-storage';
import { trustCertificateAuthority } from '#libs/runtime';
import sharp from 'sharp';
import { type RunningApi, startApi } from '../support/api.js';
import { startAzurite } from '../support/azurite.js';
import { type CertificateFiles, selfSignedCertificate } from '../support/self-signed-certificate.js';
import { until } from '../support/until.js';

const MEBIBYTE = 1024 * 1024;
const MAX_UPLOAD_BYTES = 20 * MEBIBYTE;

let certificate: CertificateFiles;
let azurite: Awaited<ReturnType<typeof startAzurite>>;
let storage: BlobStorage;
let api: RunningApi;
let jpeg: Buffer;

beforeAll(async () => {
  certificate = await selfSignedCertificate();
  trustCertificateAuthority(certificate.certFile);
  azurite = await startAzurite(certificate);
  await createBlobContainer(azurite.connectionString, 'dev');
  const credentials = { kind: 'connection-string', connectionString: azurite.connectionString } as const;
  storage = new BlobStorage({ containerName: 'dev', credentials });
  api = await startApi({
    BLOB_STORAGE_CONNECTION_STRING: azurite.connectionString,
    BLOB_STORAGE_MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES),
  });
  jpeg = await sharp({ create: { width: 1000, height: 500, channels: 3, background: 'teal' } })
    .jpeg()
    .toBuffer();
}, 60_000);

afterAll(async () => {
  await api.close();
  await azurite.close();
  certificate.remove();
});

const put = (name: string, content: Buffer | string, contentType = 'text/plain') =>
  storage.upload(name, Readable.from([Buffer.from(content)]), { contentType });

const aForm = (content: Buffer | string, type?: string, field = 'file'): FormData => {
  const form = new FormData();
  form.set(field, new Blob([Buffer.from(content)], type === undefined ? {} : { type }), 'picture.bin');
  return form;
};

const upload = (name: string, form: FormData, query = '') =>
  fetch(`${api.url}/blob_storage?blob_name=${encodeURIComponent(name)}${query}`, { method: 'POST', body: form });

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(`${api.url}/blob_storage${path}`, { headers, method });

/** By node:http, which sends the path as it is; fetch would resolve dots in it. */
const rawGet = (path: string, method = 'GET'): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    httpRequest(`${api.url}/`, { method, path }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body });
      });
    })
      .on('error', reject)
      .end();
  });

const sha = (bytes: ArrayBuffer | Buffer) =>
  createHash('sha256')
    .update(Buffer.from(bytes as Buffer))
    .digest('hex');

interface Answer {
  code: string;
  items: { name: string }[];
  continuation_token: string;
}

const jsonOf = async (response: Response): Promise<Answer> => (await response.json()) as Answer;

describe('GET /blob_storage', () => {
  it('lists page by page, below a prefix', async () => {
    for (const index of [1, 2, 3]) await put(`list/${index}.txt`, 'abc');
    const first = await jsonOf(await get('?prefix=list/&limit=2'));
    const blob = await storage.head('list/1.txt');
    expect(first.items).toHaveLength(2);
    expect(first.items[0]).toEqual({
      name: 'list/1.txt',
      size_bytes: 3,
      content_type: 'text/plain',
      etag: blob.etag,
      last_modified: blob.lastModified.toISOString(),
    });
    const rest = await (
      await get(`?prefix=list/&continuation_token=${encodeURIComponent(first.continuation_token)}`)
    ).json();
    expect(rest).toMatchObject({ items: [{ name: 'list/3.txt' }], continuation_token: null });
  });

  it.each(['limit=0', 'limit=5001', 'limit=x', 'prefix=a&prefix=b', 'unknown=1'])('refuses %s', async (query) => {
    const response = await get(`?${query}`);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(await response.json()).toMatchObject({ code: 'REQUEST.INVALID', status: 400 });
  });
});

describe('POST /blob_storage', () => {
  it('stores a file under its real type', async () => {
    const response = await upload('up/front door.jpg', aForm(jpeg, 'image/png'));
    const stored = await storage.head('up/front door.jpg');
    expect(response.status).toBe(201);
    expect(response.headers.get('etag')).toBe(stored.etag);
    expect(response.headers.get('location')).toBe('/blob_storage/up/front%20door.jpg');
    expect(await response.json()).toMatchObject({
      name: 'up/front door.jpg',
      size_bytes: jpeg.length,
      content_type: 'image/jpeg',
    });
    expect(stored).toMatchObject({ contentType: 'image/jpeg', sizeBytes: jpeg.length });
    const again = await fetch(api.url + String(response.headers.get('location')));
    expect(sha(await again.arrayBuffer())).toBe(sha(jpeg));
  });

  it.each([
    ['text/plain; charset=utf-8', 'hello', 'text/plain'],
    ['text/html', '<h1>hello', 'text/html'],
    ['image/png', 'not a picture', 'application/octet-stream'],
    ['text/plain', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml'],
    [undefined, '', 'application/octet-stream'],
  ])('stores what is sent as %s and is %j as %s', async (declared, content, expected) => {
    const response = await upload('up/typed', aForm(content, declared), '&overwrite=true');
    expect(await response.json()).toMatchObject({ content_type: expected, size_bytes: content.length });
  });

  it('stores large files as they came, and replaces only when told to', async () => {
    const bytes = randomBytes(17 * MEBIBYTE + 3);
    expect((await upload('up/large.bin', aForm(bytes))).status).toBe(201);
    expect(sha(await (await get('/up/large.bin')).arrayBuffer())).toBe(sha(bytes));
    const taken = await upload('up/large.bin', aForm('new'));
    expect(taken.status).toBe(409);
    expect(await taken.json()).toMatchObject({ code: 'BLOB.ALREADY_EXISTS' });
    expect((await storage.head('up/large.bin')).sizeBytes).toBe(bytes.length);
    expect((await upload('up/large.bin', aForm('new'), '&overwrite=true')).status).toBe(201);
    expect(await (await get('/up/large.bin')).text()).toBe('new');
  });

  it('answers 409 before it has read the body', async () => {
    await put('up/taken', 'x');
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = slowUpload('up/taken');
      request.once('response', resolve).once('error', reject);
      request.flushHeaders();
    });
    expect(response.statusCode).toBe(409);
    response.destroy();
  });

  it.each([100, 9 * MEBIBYTE])('lets exactly one of several racing uploads of %d bytes win', async (size) => {
    const contents = [1, 2, 3, 4].map(() => randomBytes(size));
    const answers = await Promise.all(contents.map((bytes) => upload(`up/race-${size}`, aForm(bytes))));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409]);
    const winner = contents[answers.findIndex(({ status }) => status === 201)] ?? Buffer.alloc(0);
    expect(sha(await (await get(`/up/race-${size}`)).arrayBuffer())).toBe(sha(winner));
  });

  it('refuses a file over the limit, declared or not, and stores nothing', async () => {
    const tooLarge = randomBytes(MAX_UPLOAD_BYTES + 1);
    for (const send of [declared, chunked]) {
      const response = await send('up/too-large', tooLarge);
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({
        code: 'REQUEST.TOO_LARGE',
        details: { limit_bytes: MAX_UPLOAD_BYTES },
      });
    }
    expect((await get('/up/too-large', {}, 'HEAD')).status).toBe(404);
    expect((await upload('up/just-right', aForm(tooLarge.subarray(1)))).status).toBe(201);
  });

  it('answers 413 while an endless file still arrives, and closes', async () => {
    const request = slowUpload('up/endless');
    const piece = randomBytes(MEBIBYTE);
    let sending = true;
    const send = (): void => {
      while (sending && request.write(piece));
    };
    request.on('drain', send);
    const closed = new Promise((resolve) => request.once('close', resolve));
    // What is sent after the connection was closed.
    request.on('error', () => (sending = false));
    send();
    const response = await new Promise<IncomingMessage>((resolve) => request.once('response', resolve));
    expect(response.statusCode).toBe(413);
    expect(response.headers.connection).toBe('close');
    expect(JSON.parse((await buffer(response)).toString())).toMatchObject({ code: 'REQUEST.TOO_LARGE' });
    await closed;
    expect((await get('/up/endless', {}, 'HEAD')).status).toBe(404);
  });

  it('stores nothing when the client goes away', async () => {
    const request = slowUpload('up/aborted');
    const failed = new Promise((resolve) => request.once('error', resolve));
    request.write(randomBytes(11 * MEBIBYTE));
    await until(() => request.writableLength === 0, 'the body to flow');
    request.destroy(new Error('client left'));
    await failed;
    // Nothing of it was left open: the next upload of the name is as free as the first.
    expect((await get('/up/aborted', {}, 'HEAD')).status).toBe(404);
    expect((await upload('up/aborted', aForm('second'))).status).toBe(201);
    expect(await (await get('/up/aborted')).text()).toBe('second');
  });

  it('stores nothing when the form breaks off after the file', async () => {
    const { hostname, port } = new URL(api.url);
    const body = '--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nhello\r\n--b\r\nContent-Disp';
    const head = `POST /blob_storage?blob_name=up/cut HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: close\r\n`;
    const answer = await new Promise<string>((resolve, reject) => {
      let received = '';
      connect(Number(port), hostname)
        .on('data', (chunk) => (received += chunk.toString()))
        .on('end', () => {
          resolve(received);
        })
        .on('error', reject)
        .write(`${head}Content-Type: multipart/form-data; boundary=b\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect((await get('/up/cut', {}, 'HEAD')).status).toBe(404);
  });

  it.each([
    ['no name', '', () => aForm('x'), 400, 'REQUEST.INVALID'],
    ['an empty name', '?blob_name=', () => aForm('x'), 400, 'BLOB.NAME_INVALID'],
    ['a name that leaves the container', '?blob_name=../up.txt', () => aForm('x'), 400, 'BLOB.NAME_INVALID'],
    ['a name with two slashes in a row', '?blob_name=a//b', () => aForm('x'), 400, 'BLOB.NAME_INVALID'],
    ['a name that begins with a slash', '?blob_name=/b', () => aForm('x'), 400, 'BLOB.NAME_INVALID'],
    ['two names', '?blob_name=a&blob_name=b', () => aForm('x'), 400, 'REQUEST.INVALID'],
    ['a flag that is none', '?blob_name=a&overwrite=maybe', () => aForm('x'), 400, 'REQUEST.INVALID'],
    ['no file', '?blob_name=up/none', () => new FormData(), 400, 'BLOB.FILE_MISSING'],
    ['JSON', '?blob_name=up/none', () => '{}', 400, 'BLOB.FILE_MISSING'],
    ['another field', '?blob_name=up/none', () => aForm('x', 'a/b', 'files'), 400, 'REQUEST.MALFORMED'],
  ])('refuses %s', async (_what, query, body, status, code) => {
    const content = body();
    const response = await fetch(`${api.url}/blob_storage${query}`, {
      method: 'POST',
      body: content,
      ...(typeof content === 'string' && { headers: { 'content-type': 'application/json' } }),
    });
    expect({ status: response.status, code: (await jsonOf(response)).code }).toEqual({ status, code });
  });

  it('says where the text of a form belongs, and stores nothing', async () => {
    const form = aForm('x');
    form.set('blob_name', 'up/fields');
    const misplaced = await upload('up/fields', form);
    expect(await misplaced.json()).toMatchObject({
      code: 'REQUEST.INVALID',
      details: { problems: ['blob_name is a query parameter: POST /blob_storage?blob_name=…'] },
    });
    const text = new FormData();
    text.set('file', '@picture.png');
    expect(await (await upload('up/fields', text)).json()).toMatchObject({
      code: 'REQUEST.INVALID',
      details: { problems: ['file must be a file, not text'] },
    });
    expect((await get('/up/fields', {}, 'HEAD')).status).toBe(404);
  });
});

describe('GET, HEAD and DELETE /blob_storage/{blob_name}', () => {
  it.each([
    'plain.txt',
    'device001/2025/01/a b.txt',
    'Übergröße/猫 🐈.txt',
    'a+b&c=d?e#f%20g%2Fh.txt',
    `quote'"(1)[2]{3};,!~*@$^|<>.txt`,
    'images/in/front.txt',
    'images',
    '/leading',
    'double//slash',
    '...dots..inside/..x/x..y',
  ])('reaches the name %s', async (name) => {
    await put(name, name);
    const encoded = encodeURIComponent(name);
    const slashed = name.split('/').map(encodeURIComponent).join('/');
    // A name below images/ is told from the route of pictures by its encoded slash alone.
    const paths = name.startsWith('images/') ? [encoded] : [encoded, slashed];
    for (const path of paths) {
      const response = await get(`/${path}`);
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(name);
    }
    expect((await get(`/${encoded}`, {}, 'DELETE')).status).toBe(204);
    for (const method of ['GET', 'HEAD', 'DELETE']) expect((await get(`/${encoded}`, {}, method)).status).toBe(404);
  });

  it.each([
    '/blob_storage/..%2Fother%2Fx',
    '/blob_storage/a/../b',
    '/blob_storage/%2e%2e/x',
    '/blob_storage/a%00b',

    '/blob_storage/%5c..%5cx',
  ])('refuses %s', async (path) => {
    for (const method of ['GET', 'DELETE']) {
      const { status, body } = await rawGet(path, method);
      expect({ status, code: JSON.parse(body).code }).toEqual({ status: 400, code: 'BLOB.NAME_INVALID' });
    }
  });

  it('refuses a name that is no UTF-8', async () => {
    const { status, body } = await rawGet('/blob_storage/%ff');
    expect({ status, code: JSON.parse(body).code }).toEqual({ status: 400, code: 'REQUEST.NOT_ACCEPTED' });
  });

  it('says what it sends, to GET and HEAD alike', async () => {
    const { etag, lastModified } = await put('head/front.jpg', jpeg, 'image/jpeg');
    const expected = {
      'content-type': 'image/jpeg',
      'content-length': String(jpeg.length),
      'content-disposition': 'inline; filename="front.jpg"',
      'last-modified': lastModified.toUTCString(),
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      etag,
    };
    for (const method of ['GET', 'HEAD']) {
      const response = await get('/head/front.jpg', {}, method);
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject(expected);
      expect((await response.arrayBuffer()).byteLength).toBe(method === 'GET' ? jpeg.length : 0);
    }
  });

  it.each([
    ['text/html', 'page.html'],
    ['image/svg+xml', 'drawing.svg'],
    ['application/javascript', 'x.js'],
  ])('sends %s to be saved, not shown', async (type, name) => {
    await put(name, '<script>alert(1)</script>', type);
    expect((await get(`/${name}`)).headers.get('content-disposition')).toBe(`attachment; filename="${name}"`);
  });

  it.each([
    ['bytes=0-2', 206, 'abc', 'bytes 0-2/26'],
    ['bytes=-3', 206, 'xyz', 'bytes 23-25/26'],
    ['bytes=20-', 206, 'uvwxyz', 'bytes 20-25/26'],
    ['bytes=20-999', 206, 'uvwxyz', 'bytes 20-25/26'],
    ['bytes=0-1,3-4', 200, 'abcdefghijklmnopqrstuvwxyz', null],
    ['lines=1-2', 200, 'abcdefghijklmnopqrstuvwxyz', null],
  ])('answers the range %s', async (range, status, body, contentRange) => {
    await put('ranges.txt', 'abcdefghijklmnopqrstuvwxyz');
    const response = await get('/ranges.txt', { range });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-range')).toBe(contentRange);
    expect(response.headers.get('content-length')).toBe(String(body.length));
    expect(await response.text()).toBe(body);
  });

  it('refuses a range beyond the end, and minds If-Range', async () => {
    const { etag } = await put('ranges.txt', 'abc');
    const response = await get('/ranges.txt', { range: 'bytes=3-' });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe('bytes */3');
    expect(await response.json()).toMatchObject({ code: 'BLOB.RANGE_NOT_SATISFIABLE' });
    expect((await get('/ranges.txt', { range: 'bytes=0-0', 'if-range': etag })).status).toBe(206);
    expect((await get('/ranges.txt', { range: 'bytes=0-0', 'if-range': '"other"' })).status).toBe(200);
  });

  it('answers 304 when the ETag is the same', async () => {
    const { etag } = await put('etag.txt', 'abc');
    for (const method of ['GET', 'HEAD'])
      for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const response = await get('/etag.txt', { 'if-none-match': tag, 'cache-control': 'max-age=0' }, method);
        expect(response.status).toBe(304);
        expect(response.headers.get('etag')).toBe(etag);
      }
    expect((await get('/etag.txt', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('sends an empty blob', async () => {
    await put('empty', '');
    const response = await get('/empty');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-length')).toBe('0');
  });

  it('answers a missing blob and a method that is not supported', async () => {
    expect(await (await get('/missing')).json()).toMatchObject({ code: 'BLOB.NOT_FOUND', status: 404 });
    expect((await get('/missing', {}, 'PUT')).status).toBe(405);
  });
});

describe('GET /blob_storage/images/{device_name}/{file_name}', () => {
  const widthOf = async (response: Response) =>
    (await sharp(Buffer.from(await response.arrayBuffer())).metadata()).width;

  it('shows a picture by its real type, slashes in its name included', async () => {
    await put('device001/2025/front.jpg', jpeg, 'image/jpeg');
    const response = await get('/images/device001/2025/front.jpg');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(sha(await response.arrayBuffer())).toBe(sha(jpeg));
    // Stored by someone who did not say what it is.
    await put('device001/unnamed', jpeg, 'application/octet-stream');
    expect((await get('/images/device001/unnamed')).headers.get('content-type')).toBe('image/jpeg');
  });

  it.each([
    [1, 160],
    [160, 160],
    [161, 320],
    [640, 640],
    [641, 1000],
    [1920, 1000],
  ])('scales a picture of 1000 pixels for width %d to %d', async (width, expected) => {
    await put('device001/wide.jpg', jpeg, 'image/jpeg');
    const response = await get(`/images/device001/wide.jpg?width=${width}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(await widthOf(response)).toBe(expected);
  });

  it('gives each width an ETag, and a new one when the picture changes', async () => {
    await put('device001/tag.jpg', jpeg, 'image/jpeg');
    const tag = async (width: number) => (await get(`/images/device001/tag.jpg?width=${width}`)).headers.get('etag');
    const [small, large] = [await tag(160), await tag(320)];
    expect(small).not.toBe(large);
    expect(await tag(100)).toBe(small);
    const same = await get('/images/device001/tag.jpg?width=160', {
      'if-none-match': String(small),
      'cache-control': 'max-age=0',
    });
    expect(same.status).toBe(304);
    const taller = await sharp(jpeg).resize(1000, 1000, { fit: 'fill' }).jpeg().toBuffer();
    await put('device001/tag.jpg', taller, 'image/jpeg');
    expect(await tag(160)).not.toBe(small);
  });

  it('refuses what is no picture, and pixel bombs from their header', async () => {
    await put('device001/notes.txt', 'hello');
    await put('device001/lie.png', 'hello', 'image/png');
    const bomb = await sharp({ create: { width: 9000, height: 9000, channels: 3, background: 'black' } })
      .png()
      .toBuffer();
    await put('device001/bomb.png', bomb, 'image/png');
    const codeOf = async (path: string) => {
      const response = await get(`/images/device001/${path}`);
      return [response.status, (await jsonOf(response)).code];
    };
    expect(await codeOf('notes.txt')).toEqual([415, 'IMAGE.NOT_AN_IMAGE']);
    expect(await codeOf('notes.txt?width=100')).toEqual([415, 'IMAGE.NOT_AN_IMAGE']);
    expect(await codeOf('lie.png?width=100')).toEqual([415, 'IMAGE.NOT_AN_IMAGE']);
    expect(await codeOf('bomb.png?width=100')).toEqual([413, 'IMAGE.TOO_LARGE']);
    expect(await codeOf('missing.png')).toEqual([404, 'BLOB.NOT_FOUND']);
    expect(await codeOf('missing.png?width=100')).toEqual([404, 'BLOB.NOT_FOUND']);
    expect(await codeOf('missing.png?width=0')).toEqual([400, 'REQUEST.INVALID']);
  });
});

describe('trouble with the storage', () => {
  it.each([
    [
      { BLOB_STORAGE_ENDPOINT: 'http://127.0.0.1:9', BLOB_STORAGE_SAS_TOKEN: 'sig=Zm9v' },
      502,
      'BLOB_STORAGE.UNREACHABLE',
    ],
    [{}, 503, 'BLOB_STORAGE.NOT_CONFIGURED'],
  ])('is told by its code', async (settings, status, code) => {
    const broken = await startApi(settings);
    try {
      for (const [path, method] of [
        ['', 'GET'],
        ['/x', 'GET'],
        ['/x', 'DELETE'],
        ['/images/a/b?width=1', 'GET'],
      ] as const) {
        const response = await fetch(`${broken.url}/blob_storage${path}`, { method });
        expect({ status: response.status, body: await response.text() }).toMatchObject({
          status,
          body: expect.stringContaining(code),
        });
      }
      const response = await fetch(`${broken.url}/blob_storage?blob_name=x`, { method: 'POST', body: aForm('x') });
      expect(response.status).toBe(status);
    } finally {
      await broken.close();
    }
  });
});

describe('a download', () => {
  const PARALLEL = 16;
  const SIZE = 32 * MEBIBYTE;
  const GROWTH_LIMIT_BYTES = 128 * MEBIBYTE;

  const started = (path: string, url = api.url): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      httpRequest(`${url}/blob_storage/${path}`, { agent: false }, resolve).on('error', reject).end();
    });

  it('does not fill the memory when clients read slowly', async () => {
    const bytes = randomBytes(SIZE);
    await storage.upload('parallel.bin', Readable.from([bytes]), { contentType: 'a/b' });
    const before = process.memoryUsage().arrayBuffers;
    const responses = await Promise.all(Array.from({ length: PARALLEL }, () => started('parallel.bin')));
    for (const response of responses) response.pause();
    // Every connection is full when nothing has moved for a while: each sends as much as it is ever allowed to.
    let received = -1;
    await until(async () => {
      const last = received;
      await delay(300);
      received = responses.reduce((sum, { socket }) => sum + socket.bytesRead, 0);
      return received === last;
    }, 'the downloads to stand still');
    // Together they have 512 MiB; what the collector has not yet taken back counts as well.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(GROWTH_LIMIT_BYTES);
    for (const response of responses.slice(1)) response.destroy();
    for (const response of responses.slice(0, 1)) expect(sha(await buffer(response))).toBe(sha(bytes));
  });

  it('ends at the storage when the client leaves, and is never ended as whole when the storage breaks off', async () => {
    const open = new Set<Socket>();
    const upstream = createServer((request, response) => {
      open.add(request.socket);
      request.socket.once('close', () => open.delete(request.socket));
      response.writeHead(200, { 'content-length': 1000, etag: '"1"', 'last-modified': new Date(0).toUTCString() });
      response.write('half');
      if (request.url?.includes('/broken')) setImmediate(() => response.destroy());
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port } = upstream.address() as AddressInfo;
    const fragile = await startApi({
      BLOB_STORAGE_ENDPOINT: `http://127.0.0.1:${port}/account`,
      BLOB_STORAGE_SAS_TOKEN: 'sig=x',
    });
    try {
      await expect(buffer(await started('broken', fragile.url))).rejects.toThrow();
      const leaving = await started('endless', fragile.url);
      expect(open.size).toBe(1);
      leaving.destroy();
      await until(() => open.size === 0, 'the connection to the storage to end');
    } finally {
      await fragile.close();
      upstream.closeAllConnections();
      upstream.close();
    }
  });
});

/** An upload whose body the test writes. */
function slowUpload(name: string): ClientRequest {
  const request = httpRequest(`${api.url}/blob_storage?blob_name=${encodeURIComponent(name)}`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=b' },
  });
  request.write('--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n');
  return request;
}

const declared = (name: string, bytes: Buffer) => upload(name, aForm(bytes));

/** Without Content-Length, so that only counting tells the size. */
function chunked(name: string, bytes: Buffer): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = slowUpload(name);
    request.once('error', reject).once('response', (response: IncomingMessage) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => {
        resolve(new Response(body, { status: response.statusCode ?? 0 }));
      });
    });
    request.end(Buffer.concat([bytes, Buffer.from('\r\n--b--\r\n')]));
  });
}
