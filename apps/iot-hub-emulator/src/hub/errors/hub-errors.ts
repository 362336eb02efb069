/**
 * Every failure the hub can answer with: IoT Hub's own name for it, its numeric code, the HTTP status.
 * One table for all protocols.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/troubleshoot-error-codes
 */
const HUB_ERRORS = {
  InvalidProtocolVersion: { code: 400001, status: 400 },
  ArgumentInvalid: { code: 400004, status: 400 },
  IotHubFormatError: { code: 400006, status: 400 },
  StorageNotConfigured: { code: 400014, status: 400 },
  InvalidCorrelationId: { code: 400015, status: 400 },
  ExpiredCorrelationId: { code: 400016, status: 400 },
  ConnectionForcefullyClosedOnNewConnection: { code: 400027, status: 400 },
  IotHubUnauthorizedAccess: { code: 401002, status: 401 },
  IotHubUnauthorized: { code: 401003, status: 401 },
  DeviceMaximumActiveFileUploadLimitExceeded: { code: 403006, status: 403 },
  DeviceDisabled: { code: 403012, status: 403 },
  DeviceNotFound: { code: 404001, status: 404 },
  RouteNotFound: { code: 404000, status: 404 },
  DeviceNotOnline: { code: 404103, status: 404 },
  DeviceConnectionClosedRemotely: { code: 404104, status: 404 },
  MethodNotAllowed: { code: 405000, status: 405 },
  RequestTimedOut: { code: 408001, status: 408 },
  DeviceAlreadyExists: { code: 409001, status: 409 },
  PreconditionFailed: { code: 412002, status: 412 },
  MessageTooLarge: { code: 413001, status: 413 },
  ThrottlingException: { code: 429001, status: 429 },
  ServerError: { code: 500001, status: 500 },
  NotImplemented: { code: 501000, status: 501 },
  InvalidDeviceResponse: { code: 502001, status: 502 },
  ServiceUnavailable: { code: 503001, status: 503 },
  GatewayTimeout: { code: 504101, status: 504 },
} as const satisfies Record<string, { code: number; status: number }>;

export type HubErrorName = keyof typeof HUB_ERRORS;

/** An operation the hub refuses. `message` is told to the client and never holds a key or a token. */
export class HubError extends Error {
  /** IoT Hub's numeric code, for example 404103. */
  readonly code: number;
  /** HTTP status, also the status in MQTT twin replies. */
  readonly status: number;
  /** For the hub's log alone: what a client that has not proven itself must not learn. */
  readonly reason: string;

  constructor(
    readonly errorName: HubErrorName,
    message: string,
    options: ErrorOptions & { reason?: string } = {},
  ) {
    super(message, options);
    this.name = 'HubError';
    this.code = HUB_ERRORS[errorName].code;
    this.status = HUB_ERRORS[errorName].status;
    this.reason = options.reason ?? message;
  }
}
