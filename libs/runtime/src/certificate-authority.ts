import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { AppError } from './app-error.js';

/**
 * Makes every TLS client of this process trust the certificate authority in a PEM file, beside the usual ones.
 * Call it before the first connection is made.
 *
 * @throws {@link AppError} `SETTINGS.CA_UNREADABLE` when the file cannot be read.
 */
export function trustCertificateAuthority(pemFile: string): void {
  let pem: string;
  try {
    pem = readFileSync(pemFile, 'utf8');
  } catch (cause) {
    throw new AppError('SETTINGS.CA_UNREADABLE', `Cannot read the certificate authority file ${pemFile}.`, {
      hint: 'Start the IoT Hub emulator first (it makes the file), or unset CA_FILE.',
      cause,
    });
  }
  setDefaultCACertificates([...getCACertificates('default'), pem]);
}
