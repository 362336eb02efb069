import type { Hub } from '../hub.js';
import { parseSasToken, type SasToken } from './sas-token.js';
import { unauthorized } from './unauthorized.js';

/**
 * A token that is well-formed and not expired. Whether it is signed by anyone is not known yet.
 *
 * @throws {@link HubError} `IotHubUnauthorizedAccess`; its `reason` says why, for the log.
 */
export function readLiveToken({ clock }: Pick<Hub, 'clock'>, text: string | undefined): SasToken {
  if (text === undefined || text.trim() === '') throw unauthorized('there is no token');
  if (/^bearer\s/i.test(text)) {
    throw unauthorized('the token is not a shared access signature: Entra ID tokens are not implemented');
  }
  const token = parseSasToken(text);
  if (typeof token === 'string') throw unauthorized(`the token is not a shared access signature: ${token}`);
  const lateMs = clock.nowMs() - token.expiresAtMs;
  if (lateMs >= 0) throw unauthorized(`the token has expired by ${durationText(lateMs)}`);
  return token;
}

const UNITS = [
  ['days', 24 * 60 * 60],
  ['h', 60 * 60],
  ['min', 60],
] as const;

/** `4 s`, `3 min`, `5 h`, `20 days`: one unit, rounded down, of which there are at least two. */
function durationText(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  for (const [unit, size] of UNITS) if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${unit}`;
  return `${seconds} s`;
}
