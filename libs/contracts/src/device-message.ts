import type { PayloadClass } from './direct-method.js';

/** The application property that says what a message is; its values are the contracts' `kind`. */
export const MESSAGE_KIND_PROPERTY = 'kind';

/** One kind of message that a device sends, as cloud and device agree on it. */
export interface DeviceMessageContract<Kind extends string, Body extends object> {
  /** Value of the application property {@link MESSAGE_KIND_PROPERTY}. */
  readonly kind: Kind;
  /** The body; it travels as JSON in UTF-8 under the content type `application/json`, so that a hub can route by it. */
  readonly body: PayloadClass<Body>;
}
