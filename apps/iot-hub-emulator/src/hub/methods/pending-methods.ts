import { identityKey, type Identity } from '../identity.js';

/** What a device answered to a method call. */
export interface MethodAnswer {
  readonly status: number;
  /** The answer's body as it came; JSON text or empty. */
  readonly body: Uint8Array;
}

/** Method calls that wait for their device's answer. */
export class PendingMethods {
  private readonly waiting = new Map<string, { key: string; answered: (answer: MethodAnswer) => void }>();

  /** Waits for the answer; call the returned function when no longer interested. */
  expect(requestId: string, identity: Identity, answered: (answer: MethodAnswer) => void): () => void {
    this.waiting.set(requestId, { key: identityKey(identity), answered });
    return () => this.waiting.delete(requestId);
  }

  /** Whether a call with this id still waits. */
  isAwaited(requestId: string): boolean {
    return this.waiting.has(requestId);
  }

  /** @returns false when no call with this id waits for this device or module (any more). */
  answer(identity: Identity, requestId: string, answer: MethodAnswer): boolean {
    const call = this.waiting.get(requestId);
    if (call?.key !== identityKey(identity)) return false;
    this.waiting.delete(requestId);
    call.answered(answer);
    return true;
  }
}
