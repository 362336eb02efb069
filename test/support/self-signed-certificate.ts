import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

export interface CertificateFiles {
  /** Its own authority: the file to trust as well. */
  certFile: string;
  keyFile: string;
  remove(): void;
}

const ONE_DAY_MS = 86_400_000;

/** A certificate of its own for localhost and 127.0.0.1, in a fresh temporary directory. */
export async function selfSignedCertificate(): Promise<CertificateFiles> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    // Of several trusted ones with one name, OpenSSL looks at the first alone.
    name: `CN=${randomUUID()}`,
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() - ONE_DAY_MS),
    notAfter: new Date(Date.now() + ONE_DAY_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  });
  const directory = mkdtempSync(join(tmpdir(), 'spyglass-tls-'));
  const certFile = join(directory, 'cert.pem');
  const keyFile = join(directory, 'key.pem');
  writeFileSync(certFile, certificate.toString('pem'));
  const privateKey = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  writeFileSync(keyFile, x509.PemConverter.encode(privateKey, 'PRIVATE KEY'), { mode: 0o600 });
  return {
    certFile,
    keyFile,
    remove: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
