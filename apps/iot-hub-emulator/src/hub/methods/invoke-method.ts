import { randomUUID } from 'node:crypto';
import type { DeviceConnection } from '../connections/device-connection.js';
import { HubError } from '../errors/hub-errors.js';
import type { Hub } from '../hub.js';
import type { Identity } from '../identity.js';
import type { JsonValue } from '../json.js';
import { requireIdentity } from '../registry/find-identity.js';
import { MAX_METHOD_PAYLOAD_BYTES, readMethodRequest } from './method-request.js';
import type { MethodAnswer } from './pending-methods.js';

/** IoT Hub's own words. @see https://learn.microsoft.com/azure/iot-hub/troubleshoot-error-codes#404103-devicenotonline-error */
const NOT_ONLINE =
  "The operation failed because the requested device isn't online or hasn't registered the direct method callback. To learn more, see https://aka.ms/iothub404103";

/** How long the hub has waited, as IoT Hub tells it: `00:00:30`. */
const timeoutInfo = (timeoutMs: number) => ({ timeout: new Date(timeoutMs).toISOString().slice(11, 19) });

/** What the caller of a direct method gets: the device's own status and payload. */
export interface MethodResult {
  readonly status: number;
  readonly payload: JsonValue;
}

/**
 * Calls a direct method of a device or module and waits for its answer.
 *
 * A device counts as online when it is connected and listens to methods; until then the call waits for the connect
 * timeout. The answer may come over a later connection of the same device.
 *
 * @param body parsed JSON of the request, not yet checked.
 * @param signal ends the wait when the caller has gone.
 * @throws {@link HubError} `ArgumentInvalid`, `DeviceNotFound`, `ModuleNotFound`, `DeviceNotOnline`, `GatewayTimeout`, `InvalidDeviceResponse`.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-direct-methods
 */
export async function invokeMethod(
  hub: Hub,
  identity: Identity,
  body: unknown,
  signal?: AbortSignal,
): Promise<MethodResult> {
  const startedMs = performance.now();
  let outcome = 'ok';
  try {
    return await callMethod(hub, identity, body, signal);
  } catch (cause) {
    outcome = cause instanceof HubError ? cause.errorName : 'ServerError';
    throw cause;
  } finally {
    hub.metrics.methods.add(outcome);
    hub.metrics.methodDuration.observe((performance.now() - startedMs) / 1000);
  }
}

async function callMethod(
  hub: Hub,
  identity: Identity,
  body: unknown,
  signal: AbortSignal | undefined,
): Promise<MethodResult> {
  const request = readMethodRequest(body);
  requireIdentity(hub, identity);
  const connection = await listeningDevice(hub, identity, request.connectTimeoutMs, signal);
  if (connection === undefined) {
    throw new HubError('DeviceNotOnline', NOT_ONLINE, {
      info: timeoutInfo(request.connectTimeoutMs),
      reason: hub.connections.get(identity)
        ? 'the device has not subscribed to methods'
        : 'the device is not connected',
    });
  }
  const requestId = randomUUID().replaceAll('-', '');
  const answer = await answerOf(hub, { identity, requestId, timeoutMs: request.responseTimeoutMs, signal }, () => {
    connection.invokeMethod({
      requestId,
      methodName: request.methodName,
      payload: request.payload,
      isAwaited: () => hub.pendingMethods.isAwaited(requestId),
    });
  });
  if (answer === undefined) {
    throw new HubError('GatewayTimeout', 'Timed out waiting for the response from device.', {
      info: timeoutInfo(request.responseTimeoutMs),
    });
  }
  return readAnswer(answer);
}

function listeningDevice(
  hub: Hub,
  identity: Identity,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<DeviceConnection | undefined> {
  const connection = hub.connections.listening(identity, 'methods');
  if (connection !== undefined || timeoutMs === 0) return Promise.resolve(connection);
  return waitFor(hub, { timeoutMs, signal }, (done) =>
    hub.connections.watch(identity, () => {
      const found = hub.connections.listening(identity, 'methods');
      if (found !== undefined) done(found);
    }),
  );
}

function answerOf(
  hub: Hub,
  call: { identity: Identity; requestId: string; timeoutMs: number; signal: AbortSignal | undefined },
  send: () => void,
): Promise<MethodAnswer | undefined> {
  return waitFor<MethodAnswer>(hub, call, (done) => {
    const forget = hub.pendingMethods.expect(call.requestId, call.identity, done);
    send();
    return forget;
  });
}

/** Waits until `start` calls its `done`, the time is over or the caller has gone; the last two give undefined. */
function waitFor<T>(
  hub: Hub,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal | undefined },
  start: (done: (value: T) => void) => () => void,
): Promise<T | undefined> {
  if (signal?.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const cleanups: (() => void)[] = [];
    const finish = (value: T | undefined) => {
      for (const cleanup of cleanups) cleanup();
      resolve(value);
    };
    const giveUp = () => {
      finish(undefined);
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    cleanups.push(() => signal?.removeEventListener('abort', giveUp));
    cleanups.push(hub.clock.after(timeoutMs, giveUp));
    cleanups.push(start(finish));
  });
}

function readAnswer({ status, body }: MethodAnswer): MethodResult {
  if (body.byteLength > MAX_METHOD_PAYLOAD_BYTES) {
    throw new HubError(
      'InvalidDeviceResponse',
      `The device answered with more than ${MAX_METHOD_PAYLOAD_BYTES} bytes.`,
    );
  }
  const text = Buffer.from(body).toString('utf8').trim();
  if (text === '') return { status, payload: null };
  try {
    const payload = JSON.parse(text) as JsonValue;
    // Parsing knows no depth limit, writing does: what cannot be passed on is no answer.
    JSON.stringify(payload);
    return { status, payload };
  } catch (cause) {
    throw new HubError('InvalidDeviceResponse', 'The device answered with something that is no JSON to pass on.', {
      cause,
    });
  }
}
