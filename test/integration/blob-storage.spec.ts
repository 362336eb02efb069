import { randomBytes, randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { BlobSASPermissions, BlockBlobClient, ContainerClient, ContainerSASPermissions } from '@azure/storage-blob';
import { BlobStorage, createBlobContainer, uploadToSasUrl } from '#libs/blob-storage';
import { trustCertificateAuthority } from '#libs/runtime';
import { startAzurite } from '../support/azurite.js';
import { freePort } from '../support/free-port.js';
import { type CertificateFiles, selfSignedCertificate } from '../support/self-signed-certificate.js';

const MEBIBYTE = 1024 * 1024;
const CONTAINER = 'dev';

let certificate: CertificateFiles;
let azurite: Awaited<ReturnType<typeof startAzurite>>;
let storage: BlobStorage;
let container: ContainerClient;

beforeAll(async () => {
  certificate = await selfSignedCertificate();
  trustCertificateAuthority(certificate.certFile);
  azurite = await startAzurite(certificate);
  await createBlobContainer(azurite.connectionString, CONTAINER);
  storage = new BlobStorage({
    containerName: CONTAINER,
    credentials: { kind: 'connection-string', connectionString: azurite.connectionString },
  });
  container = new ContainerClient(azurite.connectionString, CONTAINER);
}, 60_000);

afterAll(async () => {
  await azurite.close();
  certificate.remove();
});

const chunksOf = (bytes: Buffer, size = 60_000): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })(),
    { objectMode: false },
  );

const uploadText = (name: string, text = 'x') =>
  storage.upload(name, Readable.from([Buffer.from(text)]), { contentType: 'text/plain' });

describe(BlobStorage.name, () => {
  it.each([0, 1, 4 * MEBIBYTE - 1, 4 * MEBIBYTE, 4 * MEBIBYTE + 1, 8 * MEBIBYTE, 11 * MEBIBYTE + 17])(
    'stores %d bytes as they came',
    async (size) => {
      const bytes = randomBytes(size);
      const name = `sizes/${size}.bin`;
      const stored = await storage.upload(name, chunksOf(bytes), { contentType: 'image/png' });
      expect(stored.sizeBytes).toBe(size);

      const { properties, body } = await storage.download(name);
      expect(properties).toMatchObject({ name, sizeBytes: size, contentType: 'image/png', etag: stored.etag });
      expect((await buffer(body)).equals(bytes)).toBe(true);
      expect(await storage.head(name)).toEqual(properties);
    },
  );

  it.each([
    'plain.txt',
    'device001/2025/a b.jpg',
    'Übergröße/猫 🐈.png',
    'a+b&c=d?e#f%20g%2Fh.txt',
    'quote\'"(1)[2]{3};,!~*@$^|<>`.txt',
    'images/in/front.png',
    '/leading',
    'double//slash',
    '...dots..inside/..x/x..y',
  ])('keeps the name %s', async (name) => {
    await uploadText(name, name);
    expect((await storage.read(name, { maxBytes: 100 })).content.toString()).toBe(name);
    const { items } = await storage.list({ prefix: name });
    expect(items.map((item) => item.name)).toEqual([name]);
    await storage.delete(name);
    await expect(storage.head(name)).rejects.toMatchObject({ code: 'BLOB.NOT_FOUND' });
  });

  it.each([
    '',
    '.',
    '..',
    'a/../b',
    '../other/x',
    'a/./b',
    'a\\b',
    'a\0b',
    'a\nb',
    'x'.repeat(1025),
    'a/',
    'a.',
    '\ud800',
  ])('refuses the name %j', async (name) => {
    await expect(uploadText(name)).rejects.toMatchObject({ code: 'BLOB.NAME_INVALID' });
  });

  it('reads a range, of the version that was meant', async () => {
    const { etag } = await uploadText('range.txt', '0123456789');
    const { properties, body } = await storage.download('range.txt', { range: { offset: 2, count: 3 }, ifMatch: etag });
    expect((await buffer(body)).toString()).toBe('234');
    expect(properties.sizeBytes).toBe(10);
    await uploadText('range.txt', 'abcdefghij');
    await expect(storage.download('range.txt', { ifMatch: etag })).rejects.toMatchObject({ code: 'BLOB.CHANGED' });
    await expect(storage.download('range.txt', { range: { offset: 11, count: 1 } })).rejects.toMatchObject({
      code: 'BLOB.RANGE_NOT_SATISFIABLE',
    });
  });

  it('lists page by page', async () => {
    for (const index of [1, 2, 3, 4, 5]) await uploadText(`pages/${index}`);
    const first = await storage.list({ prefix: 'pages/', limit: 2 });
    expect(first.items.map(({ name }) => name)).toEqual(['pages/1', 'pages/2']);
    expect(first.continuationToken).toBeDefined();
    const rest = await storage.list({ prefix: 'pages/', continuationToken: first.continuationToken });
    expect(rest.items.map(({ name }) => name)).toEqual(['pages/3', 'pages/4', 'pages/5']);
    expect(rest.continuationToken).toBeUndefined();
    expect(rest.items[0]).toEqual(await storage.head('pages/3'));
  });

  it.each([100, 9 * MEBIBYTE])(
    'lets one of two uploads of %d bytes win where nothing may be overwritten',
    async (size) => {
      const name = `race/${size}`;
      const contents = [randomBytes(size), randomBytes(size)];
      const staged = await Promise.all(contents.map((bytes) => storage.stage(name, chunksOf(bytes))));
      const results = await Promise.allSettled(
        staged.map((blob) => blob.commit({ contentType: 'text/plain', onlyIfAbsent: true })),
      );
      const winner = results.findIndex(({ status }) => status === 'fulfilled');
      expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(results[1 - winner]).toMatchObject({ reason: { code: 'BLOB.ALREADY_EXISTS' } });
      const { content } = await storage.read(name, { maxBytes: size });
      expect(content.equals(contents[winner] ?? Buffer.alloc(0))).toBe(true);
    },
  );

  it('stores nothing when the source fails, ends early or is aborted', async () => {
    const failing = (): Readable => {
      let left = 6;
      return new Readable({
        read() {
          if (left-- > 0) this.push(randomBytes(MEBIBYTE));
          else this.destroy(new Error('camera unplugged'));
        },
      });
    };
    await expect(storage.upload('broken', failing(), { contentType: 'a/b' })).rejects.toThrow('camera unplugged');

    const closing = new Readable({ read: () => undefined });
    closing.push(randomBytes(6 * MEBIBYTE), undefined);
    setImmediate(() => closing.destroy());
    await expect(storage.upload('broken', closing, { contentType: 'a/b' })).rejects.toMatchObject({
      code: 'BLOB.UPLOAD_INCOMPLETE',
    });

    const abort = new AbortController();
    const endless = new Readable({
      read() {
        this.push(randomBytes(MEBIBYTE));
      },
    });
    const onProgress = (sent: number) => {
      if (sent > 5 * MEBIBYTE) abort.abort();
    };
    await expect(
      storage.upload('broken', endless, { contentType: 'a/b', signal: abort.signal, onProgress }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(endless.destroyed).toBe(true);

    await expect(storage.head('broken')).rejects.toMatchObject({ code: 'BLOB.NOT_FOUND' });
    expect(await storage.list({ prefix: 'broken' })).toEqual({ items: [] });
  });

  it('works by SAS, and tells a SAS that is not good enough', async () => {
    await uploadText('by-sas.txt', 'hello');
    const sasOf = async (permissions: string) =>
      new URL(
        await container.generateSasUrl({
          permissions: ContainerSASPermissions.parse(permissions),
          expiresOn: new Date(Date.now() + 60_000),
        }),
      ).search;
    const by = (sasToken: string) =>
      new BlobStorage({ containerName: CONTAINER, credentials: { kind: 'sas', endpoint: azurite.url, sasToken } });
    const { content } = await by(await sasOf('r')).read('by-sas.txt', { maxBytes: 100 });
    expect(content.toString()).toBe('hello');
    await expect(by(await sasOf('r')).delete('by-sas.txt')).rejects.toMatchObject({
      code: 'BLOB_STORAGE.ACCESS_DENIED',
    });
    const forged = (await sasOf('rl')).replace(/sig=[^&]+/, 'sig=Zm9yZ2Vk');
    const error: unknown = await by(forged)
      .probe()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'BLOB_STORAGE.ACCESS_DENIED' });
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('Zm9yZ2Vk');
  });

  it('names a container that is missing', async () => {
    const other = new BlobStorage({
      containerName: `missing-${randomUUID()}`,
      credentials: { kind: 'connection-string', connectionString: azurite.connectionString },
    });
    const code = { code: 'BLOB_STORAGE.CONTAINER_NOT_FOUND' };
    await expect(other.probe()).rejects.toMatchObject(code);
    await expect(other.head('x')).rejects.toMatchObject(code);
    await expect(other.upload('x', Readable.from([Buffer.from('x')]), { contentType: 'a/b' })).rejects.toMatchObject(
      code,
    );
  });

  it('says so when no storage is configured, or the setting is no address', async () => {
    const code = { code: 'BLOB_STORAGE.NOT_CONFIGURED' };
    await expect(new BlobStorage({ containerName: 'dev', credentials: undefined }).probe()).rejects.toMatchObject(code);
    const broken = { kind: 'connection-string', connectionString: 'AccountKey=secret' } as const;
    const error: unknown = await new BlobStorage({ containerName: 'dev', credentials: broken })
      .probe()
      .catch((e: unknown) => e);
    expect(error).toMatchObject(code);
    expect(String((error as Error).cause)).not.toContain('secret');
  });

  it('fails within ten seconds when the storage is down or silent', async () => {
    const started = performance.now();
    const port = await freePort();
    const at = (port: number) =>
      new BlobStorage({
        containerName: 'dev',
        credentials: { kind: 'sas', endpoint: `http://127.0.0.1:${port}/account`, sasToken: 'sig=x' },
      });
    await expect(at(port).head('x')).rejects.toMatchObject({ code: 'BLOB_STORAGE.UNREACHABLE' });

    const silent = await listen(createServer());
    const { port: silentPort } = silent.address() as AddressInfo;
    const upload = at(silentPort).upload('x', chunksOf(randomBytes(5 * MEBIBYTE)), { contentType: 'a/b' });
    await Promise.all([
      expect(at(silentPort).head('x')).rejects.toMatchObject({ code: 'BLOB_STORAGE.TIMEOUT' }),
      expect(upload).rejects.toMatchObject({ code: 'BLOB_STORAGE.TIMEOUT' }),
    ]);
    silent.close();
    expect(performance.now() - started).toBeLessThan(13_000);
  });

  it('never ends a broken download as if it were whole', async () => {
    const breaking = await listen(
      createServer((socket) => {
        socket.once('data', () => {
          socket.write(
            'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: "1"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\nhalf',
          );
          setImmediate(() => socket.destroy());
        });
      }),
    );
    const { port } = breaking.address() as AddressInfo;
    const credentials = { kind: 'sas', endpoint: `http://127.0.0.1:${port}/account`, sasToken: 'sig=x' } as const;
    const { body } = await new BlobStorage({ containerName: 'dev', credentials }).download('x');
    await expect(buffer(body)).rejects.toThrow();
    breaking.close();
  });
});

describe(uploadToSasUrl.name, () => {
  const sasUrl = (name: string, permissions = 'cw') =>
    container.getBlockBlobClient(name).generateSasUrl({
      permissions: BlobSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + 60_000),
    });

  it('stores a stream at a SAS URL, and reports how far it is', async () => {
    const bytes = randomBytes(9 * MEBIBYTE);
    const progress: number[] = [];
    const stored = await uploadToSasUrl(await sasUrl('device001/a b/ü.jpg'), chunksOf(bytes), {
      contentType: 'image/jpeg',
      onProgress: (sent) => progress.push(sent),
    });
    expect(progress.at(-1)).toBe(bytes.length);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    const { properties, content } = await storage.read('device001/a b/ü.jpg', { maxBytes: bytes.length });
    expect(properties).toMatchObject({ etag: stored.etag, contentType: 'image/jpeg' });
    expect(content.equals(bytes)).toBe(true);
  });

  it('reports a refused SAS by its code, and never shows it', async () => {
    const url = (await sasUrl('refused.jpg')).replace(/sig=[^&]+/, 'sig=Zm9yZ2Vk');
    const error: unknown = await uploadToSasUrl(url, Readable.from([Buffer.from('x')]), { contentType: 'a/b' }).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'BLOB_STORAGE.ACCESS_DENIED' });
    expect(`${(error as Error).message} ${String((error as Error).cause)}`).not.toContain('Zm9yZ2Vk');
    expect(await new BlockBlobClient(await sasUrl('refused.jpg', 'r')).exists()).toBe(false);
  });
});

const openSockets = new Set<Socket>();

afterEach(() => {
  for (const socket of openSockets) socket.destroy();
});

function listen(server: Server): Promise<Server> {
  server.on('connection', (socket) => {
    openSockets.add(socket.once('close', () => openSockets.delete(socket)));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(server);
    });
  });
}
