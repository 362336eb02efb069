/** A class whose instances class-validator can check. */
export type PayloadClass<T extends object> = new () => T;

/** One direct method as cloud and device agree on it. */
export interface DirectMethodContract<Payload extends object, Reply extends object> {
  /** The method's name on the wire. */
  readonly name: string;
  readonly payload: PayloadClass<Payload>;
  readonly reply: PayloadClass<Reply>;
}

/** What a device answers when it could not do what was asked, under a status of 400 or more. */
export interface DirectMethodFailure {
  /** A stable code, such as `CAMERA.BUSY`. */
  code: string;
  message: string;
  hint?: string;
  /** Each rule that the payload breaks, for a 400. */
  problems?: string[];
}
