import { AppError, isCredentialFailure } from '#libs/runtime';

/** What the hub says of a failure, in whichever of its three forms; each field only if it says so. */
interface HubFailure {
  readonly status: number | undefined;
  /** Such as `DeviceNotFound`. */
  readonly name: string | undefined;
  /** Such as 404001. */
  readonly number: number | undefined;
  readonly trackingId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** For people alone. */
  readonly text: string | undefined;
}

interface Meaning {
  readonly code: string;
  readonly message: string;
}

const MAX_TEXT_LENGTH = 500;

/** By the hub's own number, the most exact thing it says. See https://learn.microsoft.com/azure/iot-hub/troubleshoot-error-codes */
const BY_NUMBER: Readonly<Record<number, Meaning | undefined>> = {
  403002: { code: 'IOT_HUB.QUOTA_EXCEEDED', message: 'The IoT Hub has used up its daily quota of messages.' },
  404001: { code: 'DEVICE.NOT_FOUND', message: 'The IoT Hub knows no such device.' },
  404103: { code: 'DEVICE.NOT_ONLINE', message: 'The device is not connected to the IoT Hub.' },
  409001: { code: 'DEVICE.ALREADY_EXISTS', message: 'A device with this id is registered already.' },
  504101: { code: 'DEVICE.TIMEOUT', message: 'The device has not answered in time.' },
};

/** By the header `iothub-errorcode`, which the registry's answers have in place of a number. */
const BY_NAME: Readonly<Record<string, Meaning | undefined>> = {
  DeviceNotFound: BY_NUMBER[404001],
  DeviceNotOnline: BY_NUMBER[404103],
  DeviceAlreadyExists: BY_NUMBER[409001],
  IotHubQuotaExceeded: BY_NUMBER[403002],
  GatewayTimeout: BY_NUMBER[504101],
  IotHubNotFound: { code: 'IOT_HUB.UNREACHABLE', message: 'There is no IoT Hub of this name.' },
};

const BY_STATUS: Readonly<Record<number, Meaning | undefined>> = {
  400: { code: 'IOT_HUB.REJECTED', message: 'The IoT Hub does not accept the request.' },
  401: { code: 'IOT_HUB.UNAUTHORIZED', message: "The IoT Hub refuses the API's credentials." },
  403: { code: 'IOT_HUB.UNAUTHORIZED', message: "The IoT Hub does not let the API's credentials do this." },
  408: { code: 'DEVICE.TIMEOUT', message: 'The device has not answered in time.' },
  409: { code: 'DEVICE.ALREADY_EXISTS', message: 'A device with this id is registered already.' },
  412: { code: 'DEVICE_TWIN.CHANGED', message: 'The twin has changed since it was read.' },
  413: { code: 'IOT_HUB.REQUEST_TOO_LARGE', message: 'The request is larger than the IoT Hub accepts.' },
  429: { code: 'IOT_HUB.THROTTLED', message: 'The IoT Hub asks for fewer requests.' },
  502: { code: 'DEVICE.BAD_REPLY', message: 'The device has answered something that is not a valid reply.' },
  504: { code: 'DEVICE.TIMEOUT', message: 'The device has not answered in time.' },
};

/**
 * A failure of the hub as an {@link AppError}: the hub's own number decides, then its error name, then the HTTP status,
 * never a message text. A broken connection is `IOT_HUB.UNREACHABLE`; what has nothing to do with the hub stays as it is.
 */
export function translateHubError(error: unknown, { deviceId }: { deviceId?: string } = {}): unknown {
  const failure = readFailure(error);
  const meaning = failure.status === undefined ? meaningWithoutAnswer(error) : meaningOf(failure);
  if (!meaning) return error;
  const { code, message } = meaning;
  const details = {
    ...(deviceId !== undefined && { device_id: deviceId }),
    ...(failure.status !== undefined && { hub_status: failure.status }),
    ...(failure.name !== undefined && { hub_error: failure.name }),
    ...(failure.number !== undefined && { hub_error_number: failure.number }),
    ...(failure.trackingId !== undefined && { hub_tracking_id: failure.trackingId }),
    // What the hub does not accept is the caller's own; other texts may tell of the inside.
    ...(failure.status === 400 && failure.text !== undefined && { hub_message: failure.text }),
    ...(failure.retryAfterSeconds !== undefined && { retry_after_seconds: failure.retryAfterSeconds }),
  };
  return new AppError(code, message, { cause: error, details });
}

function meaningOf({ status = 0, name = '', number = 0 }: HubFailure): Meaning {
  return (
    BY_NUMBER[number] ??
    BY_NAME[name] ??
    BY_STATUS[status] ?? { code: 'IOT_HUB.FAILED', message: `The IoT Hub has failed with status ${status}.` }
  );
}

function meaningWithoutAnswer(error: unknown): Meaning | undefined {
  if (error instanceof AppError) return undefined;
  if (isCredentialFailure(error))
    return { code: 'IOT_HUB.UNAUTHORIZED', message: 'No credentials for the IoT Hub could be obtained.' };
  // Node's errors of sockets, names and certificates have a code; mistakes in a program have none.
  if (typeof asRecord(error).code === 'string')
    return { code: 'IOT_HUB.UNREACHABLE', message: 'The IoT Hub cannot be reached.' };
  return undefined;
}

function readFailure(error: unknown): HubFailure {
  const { response, responseBody } = asRecord(error);
  const { statusCode, headers } = asRecord(response);
  const { 'iothub-errorcode': headerName, 'retry-after': retryAfter } = asRecord(headers);
  const body = parseRecord(responseBody);
  // A direct method's failure comes as JSON text within the Message of the registry's form.
  const inner = typeof body.errorCode === 'number' ? body : parseRecord(body.Message);
  const listed = /^ErrorCode:(\w+);(.*)/s.exec(asText(body.Message) ?? '');
  return {
    status: asNumber(statusCode),
    name: asText(headerName) ?? listed?.[1],
    number: asNumber(inner.errorCode),
    trackingId: asText(inner.trackingId),
    text: (asText(inner.message) ?? listed?.[2])?.slice(0, MAX_TEXT_LENGTH),
    retryAfterSeconds: typeof retryAfter === 'string' ? asNumber(Number(retryAfter)) : undefined,
  };
}

function parseRecord(text: unknown): Record<string, unknown> {
  if (typeof text !== 'string') return {};
  try {
    return asRecord(JSON.parse(text));
  } catch {
    return {};
  }
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
