/** What a device answered to a method call. */
export interface MethodAnswer {
  readonly status: number;
  /** The answer's body as it came; JSON text or empty. */
  readonly body: Uint8Array;
}

/** Method calls that wait for their device's answer. */
export class PendingMethods {
  private readonly waiting = new Map<string, { deviceId: string; answered: (answer: MethodAnswer) => void }>();

  /** Waits for the answer; call the returned function when no longer interested. */
  expect(requestId: string, deviceId: string, answered: (answer: MethodAnswer) => void): () => void {
    this.waiting.set(requestId, { deviceId, answered });
    return () => this.waiting.delete(requestId);
  }

  /** @returns false when no call with this id waits for this device (any more). */
  answer(deviceId: string, requestId: string, answer: MethodAnswer): boolean {
    const call = this.waiting.get(requestId);
    if (call?.deviceId !== deviceId) return false;
    this.waiting.delete(requestId);
    call.answered(answer);
    return true;
  }
}
