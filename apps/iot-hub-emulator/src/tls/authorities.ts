import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { EmulatorOptionError } from '../emulator-options.js';

/** @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling#other-limits */
const MAX_AUTHORITIES = 25;

const PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * The authorities whose signature on a device's certificate counts.
 *
 * @param sources each the PEM text of one certificate or several, or the path of a file of it.
 * @throws {@link EmulatorOptionError} for what is no certificate of an authority, or cannot be read, and for too many.
 */
export async function readAuthorities(sources: readonly string[]): Promise<X509Certificate[]> {
  const found = await Promise.all(sources.map(async (source) => authoritiesIn(await textOf(source), nameOf(source))));
  const authorities = found.flat();
  if (authorities.length > MAX_AUTHORITIES) {
    throw new EmulatorOptionError(`A hub takes ${MAX_AUTHORITIES} CA certificates at most, not ${authorities.length}.`);
  }
  return authorities;
}

function authoritiesIn(text: string, name: string): X509Certificate[] {
  const blocks = text.match(PEM) ?? [];
  if (blocks.length === 0) throw new EmulatorOptionError(`The CA certificate ${name} is not in PEM format.`);
  return blocks.map((block) => {
    const certificate = parse(block);
    if (certificate === undefined) throw new EmulatorOptionError(`The CA certificate ${name} cannot be read.`);
    if (!certificate.ca) throw new EmulatorOptionError(`The CA certificate ${name} is not that of an authority.`);
    return certificate;
  });
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

async function textOf(source: string): Promise<string> {
  if (isPem(source)) return source;
  try {
    return await readFile(source, 'utf8');
  } catch (cause) {
    throw new EmulatorOptionError(`The CA certificate ${source} cannot be read: ${(cause as Error).message}`);
  }
}

export const isPem = (source: string): boolean => source.includes('-----BEGIN ');

const nameOf = (source: string): string => (isPem(source) ? 'that was given as text' : source);
