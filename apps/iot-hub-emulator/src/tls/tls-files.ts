import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import path from 'node:path';
import { makeFolder } from '../storage/make-folder.js';
import type { CertificateWithKey } from './certificate-issuer.js';

/** Absolute paths of PEM files. */
export interface TlsFiles {
  /** The certificate authority, for clients to trust. */
  readonly caFile: string;
  /** The server's certificate. */
  readonly certFile: string;
  /** The server's private key, readable by its owner alone. */
  readonly keyFile: string;
}

/** Names every server certificate covers. */
export const DEFAULT_TLS_NAMES = ['localhost', '127.0.0.1', '::1', 'host.docker.internal'] as const;

/** A certificate with less time than this left is made anew. */
const RENEWAL_MARGIN_MS = 30 * 24 * 60 * 60 * 1000;

/**
 * Makes a certificate authority and a server certificate in the folder, and keeps those that are there and still good:
 * clients that trust the authority once need not do it again.
 *
 * @param names further DNS names and IP addresses the certificate is to cover.
 * @param serverFolder where the server's certificate and key lie, when they are for another server than the hub.
 * @throws EmulatorOptionError when one of the folders cannot be made.
 */
export async function ensureTlsFiles(
  folder: string,
  names: readonly string[] = [],
  serverFolder: string = folder,
): Promise<TlsFiles> {
  const file = (name: string) => path.resolve(folder, name);
  const serverFile = (name: string) => path.resolve(serverFolder, name);
  const files = { caFile: file('ca.pem'), certFile: serverFile('server.pem'), keyFile: serverFile('server-key.pem') };
  await makeFolder(folder);
  await makeFolder(serverFolder, '--server-dir');
  const wanted = [...new Set([...DEFAULT_TLS_NAMES, ...names])];

  let authority = await readPair(files.caFile, file('ca-key.pem'));
  if (authority === undefined || !isUsable(authority)) {
    const { issueAuthority } = await import('./certificate-issuer.js');
    authority = await issueAuthority('IoT Hub emulator CA');
    await writePair(authority, files.caFile, file('ca-key.pem'));
  }
  const server = await readPair(files.certFile, files.keyFile);
  if (server === undefined || !isUsable(server) || !isIssuedFor(server, authority, wanted)) {
    const { issueServerCertificate } = await import('./certificate-issuer.js');
    await writePair(await issueServerCertificate(authority, wanted), files.certFile, files.keyFile);
  }
  return files;
}

async function readPair(certificateFile: string, keyFile: string): Promise<CertificateWithKey | undefined> {
  try {
    return { certificate: await readFile(certificateFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
}

function isUsable({ certificate, key }: CertificateWithKey): boolean {
  try {
    const parsed = new X509Certificate(certificate);
    return (
      parsed.validToDate.getTime() - Date.now() > RENEWAL_MARGIN_MS && parsed.checkPrivateKey(createPrivateKey(key))
    );
  } catch {
    // Cut short or no PEM at all: made anew.
    return false;
  }
}

function isIssuedFor(server: CertificateWithKey, authority: CertificateWithKey, names: readonly string[]): boolean {
  const certificate = new X509Certificate(server.certificate);
  const issuer = new X509Certificate(authority.certificate);
  return (
    certificate.checkIssued(issuer) &&
    certificate.verify(issuer.publicKey) &&
    names.every((name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined)
  );
}

async function writePair(pair: CertificateWithKey, certificateFile: string, keyFile: string): Promise<void> {
  await writeWhole(keyFile, pair.key, 0o600);
  await writeWhole(certificateFile, pair.certificate, 0o644);
}

/** Written beside and renamed: nobody ever reads half a file. */
async function writeWhole(file: string, text: string, mode: number): Promise<void> {
  const unfinished = `${file}.${process.pid}.tmp`;
  await writeFile(unfinished, text, { mode });
  await rename(unfinished, file);
}
