import { authenticateDevice } from '../../hub/access/authenticate-device.js';
import { authorizeEventHub } from '../../hub/access/authorize-event-hub.js';
import { authorizeService } from '../../hub/access/authorize-service.js';
import type { CertificateChain } from '../../hub/access/certificate-chain.js';
import type { DeviceIdentity } from '../../hub/access/device-identity.js';
import { proveToken } from '../../hub/access/prove-token.js';
import type { AccessRight } from '../../hub/access/shared-access-policy.js';
import { unauthorized } from '../../hub/access/unauthorized.js';
import { callAt } from '../../hub/call-at.js';
import { HubError } from '../../hub/errors/hub-errors.js';
import type { Hub } from '../../hub/hub.js';
import type { Identity } from '../../hub/identity.js';

/** Tokens a connection may have at once. Event Hubs clients present one a link. */
const MAX_CLAIMS = 300;

/** A right that the connection has proven, until its token lapses. */
export interface Claim {
  tokenText: string;
  /** What it is for, with an Event Hubs client. */
  readonly eventHubsResource: string | undefined;
  /** Calls off the end. */
  cancel: () => void;
}

/** The tokens that a connection has presented, each until it lapses or is renewed. */
export class Claims {
  private readonly claims = new Map<string, Claim>();

  /**
   * @param lapsed called when a token has expired and was not renewed; what was opened with its claim must end.
   * @param proven called whenever the client has proven who it is.
   */
  constructor(
    private readonly hub: Hub,
    private readonly lapsed: (claim: Claim) => void,
    readonly proven: () => void = () => undefined,
  ) {}

  /**
   * Takes a token that is good in itself. One for the same resource and policy renews the claim that is there.
   *
   * @throws {@link HubError} `IotHubUnauthorizedAccess` with its reason, or `DeviceDisabled`.
   */
  present(tokenText: string): void {
    const { claim: key, expiresAtMs, eventHubsResource } = proveToken(this.hub, tokenText);
    const claim = this.claims.get(key) ?? this.add(key, eventHubsResource);
    claim.cancel();
    claim.tokenText = tokenText;
    claim.cancel = callAt(this.hub.clock, expiresAtMs, () => {
      this.claims.delete(key);
      this.lapsed(claim);
    });
    this.proven();
  }

  /**
   * Finds the claim that passes a check.
   *
   * @throws {@link HubError} of the last claim that did not pass; `IotHubUnauthorizedAccess` when there is none.
   */
  find<T>(check: (tokenText: string) => T): { claim: Claim; result: T } {
    let refusal = unauthorized('no token was presented');
    for (const claim of this.claims.values()) {
      try {
        return { claim, result: check(claim.tokenText) };
      } catch (cause) {
        if (!(cause instanceof HubError)) throw cause;
        refusal = cause;
      }
    }
    throw refusal;
  }

  /** How many are in force. */
  get size(): number {
    return this.claims.size;
  }

  /** The connection is gone. */
  close(): void {
    for (const claim of this.claims.values()) claim.cancel();
    this.claims.clear();
  }

  private add(key: string, eventHubsResource: string | undefined): Claim {
    if (this.claims.size >= MAX_CLAIMS) {
      throw unauthorized(`more than ${MAX_CLAIMS} tokens`);
    }
    const claim = { tokenText: '', eventHubsResource, cancel: () => undefined };
    this.claims.set(key, claim);
    return claim;
  }
}

/** What a link that is being opened may ask of its connection. Keeps in mind which claim let it in. */
export class LinkAuthority {
  /** The claim that the link depends on: it ends when that lapses. */
  claim: Claim | undefined;

  constructor(
    private readonly hub: Hub,
    private readonly claims: Claims,
    /** What the client showed in the TLS handshake. */
    private readonly certificates?: CertificateChain,
  ) {}

  /** A service with one of the rights over the whole hub. @throws {@link HubError} `IotHubUnauthorizedAccess`. */
  requireService(...rights: AccessRight[]): void {
    this.claim = this.claims.find((token) => {
      authorizeService(this.hub, token, { rights });
    }).claim;
  }

  /**
   * A reader of the built-in Event Hubs-compatible endpoint.
   *
   * @param path segments of the link's address, the event hub's name first
   * @throws {@link HubError} `IotHubUnauthorizedAccess`.
   */
  requireEventHub(path: readonly string[]): void {
    this.claim = this.claims.find((token) => {
      authorizeEventHub(this.hub, token, path);
    }).claim;
  }

  /** The device or module, proven by a token, or by a certificate if there is none. @throws {@link HubError} `IotHubUnauthorizedAccess`, `DeviceDisabled`. */
  requireDevice(identity: Identity): DeviceIdentity {
    if (this.claims.size === 0 && this.certificates) {
      const device = authenticateDevice(this.hub, identity, { certificates: this.certificates });
      this.claims.proven();
      return device;
    }
    const { claim, result } = this.claims.find((token) => authenticateDevice(this.hub, identity, { token }));
    this.claim = claim;
    return result;
  }
}
