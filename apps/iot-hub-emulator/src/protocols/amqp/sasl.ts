import { readLiveToken } from '../../hub/access/live-token.js';
import { percentDecode } from '../../hub/access/sas-token.js';
import { isHostOfHub, resourceProblem } from '../../hub/access/token-resource.js';
import { unauthorized } from '../../hub/access/unauthorized.js';
import type { Hub } from '../../hub/hub.js';
import type { Claims } from './claims.js';

/** A try at one mechanism, as rhea drives it. */
interface SaslAttempt {
  /** Whether it succeeded; rhea looks at it after `start`. */
  outcome: boolean;
  start(response: unknown): void;
}

interface SaslOptions {
  readonly hub: Hub;
  readonly claims: Claims;
  readonly refused: (cause: unknown) => void;
}

/**
 * The SASL mechanisms that IoT Hub offers, in its order. `PLAIN` proves a token; the others prove nothing yet: the client
 * goes on with `$cbs`, or with the certificate it has shown in the TLS handshake.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-dev-guide-sas#protocol-specifics
 */
export function saslMechanisms(options: SaslOptions): Record<string, () => SaslAttempt> {
  return {
    MSSBCBS: letIn,
    PLAIN: () => plain(options),
    ANONYMOUS: letIn,
    EXTERNAL: letIn,
  };
}

const letIn = (): SaslAttempt => ({ outcome: true, start: () => undefined });

function plain({ hub, claims, refused }: SaslOptions): SaslAttempt {
  const attempt: SaslAttempt = {
    outcome: false,
    start(response) {
      try {
        const { userName, password } = parsePlain(response);
        checkUserName(hub, userName, password);
        claims.present(password);
        attempt.outcome = true;
      } catch (cause) {
        refused(cause);
      }
    },
  };
  return attempt;
}

/** `[authorization identity] NUL user name NUL password`. @see https://datatracker.ietf.org/doc/html/rfc4616#section-2 */
function parsePlain(response: unknown): { userName: string; password: string } {
  const [, userName, password, ...rest] = Buffer.isBuffer(response) ? response.toString('utf8').split('\0') : [];
  if (userName === undefined || password === undefined || rest.length > 0) {
    throw unauthorized('the response to PLAIN is not user name and password');
  }
  return { userName, password };
}

/** `{policy}@sas.root.{hub}` for a service, `{deviceId}@sas.{hub}` for a device; the token must be that policy's or device's. */
function checkUserName(hub: Hub, userName: string, tokenText: string): void {
  const at = userName.lastIndexOf('@');
  const name = percentDecode(userName.slice(0, Math.max(at, 0))) ?? '';
  const [, root, host] = /^sas\.(root\.)?(.+)$/i.exec(userName.slice(at + 1)) ?? [];
  if (name === '' || host === undefined) {
    throw unauthorized('the user name is neither {policy}@sas.root.{hub} nor {device}@sas.{hub}');
  }
  if (!isHostOfHub(hub, host)) throw unauthorized('the user name is of another hub');
  const { policyName, resource } = readLiveToken(hub, tokenText);
  if (root !== undefined) {
    if (policyName !== name) throw unauthorized('the user name is of another policy than the token');
  } else if (policyName === undefined) {
    const problem = resourceProblem(hub, resource, { deviceId: name }, { hubWide: false });
    if (problem !== undefined) throw unauthorized(`the user name is of another device than the token: ${problem}`);
  }
}
