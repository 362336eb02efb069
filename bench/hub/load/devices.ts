import { createHmac } from 'node:crypto';
import type { Credentials } from './mqtt-bytes.js';

const TOKEN_LIFE_SECONDS = 24 * 60 * 60;

/** The symmetric key of every device of the benchmark. */
export const DEVICE_KEY = Buffer.from('a key of the benchmark, no secret').toString('base64');

export const deviceName = (index: number): string => `bench-${String(index).padStart(5, '0')}`;

/** What a device connects with: a token of its own, over its own resource. */
export function deviceCredentials(hostName: string, deviceId: string): Credentials {
  return {
    clientId: deviceId,
    username: `${hostName}/${deviceId}/?api-version=2021-04-12`,
    password: sharedAccessSignature(`localhost/devices/${deviceId}`, DEVICE_KEY),
  };
}

export function sharedAccessSignature(resource: string, key: string, policy?: string): string {
  const encoded = encodeURIComponent(resource);
  const expiry = Math.floor(Date.now() / 1_000) + TOKEN_LIFE_SECONDS;
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(`${encoded}\n${expiry}`).digest('base64');
  const name = policy === undefined ? '' : `&skn=${policy}`;
  return `SharedAccessSignature sr=${encoded}&sig=${encodeURIComponent(signature)}&se=${expiry}${name}`;
}
