import { z } from 'zod';
import { HubError } from '../errors/hub-errors.js';
import { invalidInput } from '../registry/identity-input.js';

/** Largest payload of a call and of its answer, as JSON text. */
export const MAX_METHOD_PAYLOAD_BYTES = 128 * 1024;

const seconds = (least: number, most: number) => {
  const rule = `must be within [${least}; ${most}]`;
  return z.int(rule).min(least, rule).max(most, rule);
};

const requestSchema = z.object({
  // Printable ASCII without $ ( ) < > @ , ; : \ " / [ ] ? = { } and space; # and + cannot stand in an MQTT topic.
  methodName: z.string().regex(/^[!%&'*\-.0-9A-Z^_`a-z|~]{1,128}$/, 'must be 1 to 128 allowed characters'),
  payload: z.unknown().optional(),
  responseTimeoutInSeconds: seconds(5, 300).nullish(),
  connectTimeoutInSeconds: seconds(0, 300).nullish(),
});

/** A direct method call, checked and with its defaults. */
export interface MethodRequest {
  readonly methodName: string;
  /** JSON text; `null` when there is none. */
  readonly payload: string;
  readonly responseTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/**
 * Checks a parsed direct method request.
 *
 * @throws {@link HubError} `ArgumentInvalid`, `MessageTooLarge`.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-direct-methods#method-invocation
 */
export function readMethodRequest(body: unknown): MethodRequest {
  const result = requestSchema.safeParse(body);
  if (!result.success) throw invalidInput(result.error);
  const { methodName, responseTimeoutInSeconds, connectTimeoutInSeconds } = result.data;
  const payload = toJson(result.data.payload ?? null);
  if (Buffer.byteLength(payload) > MAX_METHOD_PAYLOAD_BYTES) {
    throw new HubError('MessageTooLarge', `The payload is larger than ${MAX_METHOD_PAYLOAD_BYTES} bytes.`);
  }
  return {
    methodName,
    payload,
    responseTimeoutMs: (responseTimeoutInSeconds ?? 30) * 1000,
    connectTimeoutMs: (connectTimeoutInSeconds ?? 0) * 1000,
  };
}

function toJson(payload: unknown): string {
  try {
    return JSON.stringify(payload);
  } catch (cause) {
    // Parsing knows no depth limit, writing does.
    throw new HubError('ArgumentInvalid', 'The payload is nested too deeply.', { cause });
  }
}
