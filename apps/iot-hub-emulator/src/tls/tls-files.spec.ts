import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, createServer } from 'node:tls';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { ensureTlsFiles, type TlsFiles } from './tls-files.js';

describe(ensureTlsFiles.name, () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tls-spec-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const contents = async ({ caFile, certFile, keyFile }: TlsFiles) =>
    await Promise.all([caFile, certFile, keyFile].map((file) => readFile(file, 'utf8')));

  it('makes a server certificate that a client with the authority accepts, under every name', async () => {
    const [ca = '', cert = '', key = ''] = await contents(await ensureTlsFiles(folder, ['hub.example', '10.1.2.3']));
    const server = createServer({ cert, key }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect({
      port: (server.address() as AddressInfo).port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca,
    });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.destroy();
    server.close();
    const certificate = new X509Certificate(cert);
    for (const name of ['localhost', 'host.docker.internal', 'hub.example'])
      expect(certificate.checkHost(name)).toBe(name);
    for (const address of ['127.0.0.1', '::1', '10.1.2.3']) expect(certificate.checkIP(address)).toBe(address);
    expect(certificate.checkHost('other.example')).toBeUndefined();
    expect(certificate.ca).toBe(false);
    expect(new X509Certificate(ca).ca).toBe(true);
  });

  it('lets the owner alone read the private keys', async () => {
    await ensureTlsFiles(folder);
    const names = (await readdir(folder)).sort();
    expect(names).toEqual(['ca-key.pem', 'ca.pem', 'server-key.pem', 'server.pem']);
    for (const name of names.filter((text) => text.includes('key'))) {
      expect((await stat(path.join(folder, name))).mode & 0o777).toBe(0o600);
    }
  });

  it('keeps what is there and good', async () => {
    const first = await contents(await ensureTlsFiles(folder, ['hub.example']));
    expect(await contents(await ensureTlsFiles(folder))).toEqual(first);
  });

  it('makes a new server certificate, under the same authority, for a further name', async () => {
    const [ca, cert] = await contents(await ensureTlsFiles(folder));
    const [sameCa, newCert = ''] = await contents(await ensureTlsFiles(folder, ['hub.example']));
    expect(sameCa).toBe(ca);
    expect(newCert).not.toBe(cert);
    expect(new X509Certificate(newCert).checkHost('hub.example')).toBe('hub.example');
  });

  it('issues a certificate for a neighbour, under the same authority and with a key of its own', async () => {
    const [ca, cert] = await contents(await ensureTlsFiles(folder));
    const elsewhere = path.join(folder, 'neighbour');
    const [sameCa = '', otherCert = ''] = await contents(await ensureTlsFiles(folder, ['azurite'], elsewhere));
    expect(sameCa).toBe(ca);
    expect(otherCert).not.toBe(cert);
    expect(new X509Certificate(otherCert).verify(new X509Certificate(sameCa).publicKey)).toBe(true);
    expect((await readdir(elsewhere)).sort()).toEqual(['server-key.pem', 'server.pem']);
    expect((await contents(await ensureTlsFiles(folder)))[1]).toBe(cert);
  });

  it('makes anew what is broken or does not belong together', async () => {
    const files = await ensureTlsFiles(folder);
    const [ca] = await contents(files);
    await writeFile(files.certFile, 'cut short');
    const [sameCa, cert = ''] = await contents(await ensureTlsFiles(folder));
    expect(sameCa).toBe(ca);
    await rm(path.join(folder, 'ca-key.pem'));
    const [newCa = '', newCert = ''] = await contents(await ensureTlsFiles(folder));
    expect(newCa).not.toBe(ca);
    expect(newCert).not.toBe(cert);
    expect(new X509Certificate(newCert).verify(new X509Certificate(newCa).publicKey)).toBe(true);
  });
});
