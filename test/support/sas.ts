import { createHmac } from 'node:crypto';

/** A shared access signature over `resource` exactly as given, by default good for an hour. */
export function sasToken({
  resource,
  key,
  policy,
  expirySeconds = Math.floor(Date.now() / 1000) + 3600,
}: {
  resource: string;
  /** Base64. */
  key: string;
  policy?: string;
  expirySeconds?: number;
}): string {
  const signature = createHmac('sha256', Buffer.from(key, 'base64'))
    .update(`${resource}\n${expirySeconds}`)
    .digest('base64');
  const named = policy === undefined ? '' : `&skn=${policy}`;
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expirySeconds}${named}`;
}
