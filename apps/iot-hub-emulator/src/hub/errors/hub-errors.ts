/**
 * Every failure the hub can answer with: IoT Hub's own name for it, its numeric code, the HTTP status, the AMQP condition.
 * One table for all protocols.
 *
 * @see https://learn.microsoft.com/azure/iot-hub/troubleshoot-error-codes
 */
export const HUB_ERRORS = {
  InvalidProtocolVersion: { code: 400001, status: 400, condition: 'com.microsoft:argument-error' },
  /** Event Hubs' own, without a code of IoT Hub's. */
  ArgumentOutOfRange: { code: 400000, status: 400, condition: 'com.microsoft:argument-out-of-range' },
  ArgumentInvalid: { code: 400004, status: 400, condition: 'com.microsoft:argument-error' },
  IotHubFormatError: { code: 400006, status: 400, condition: 'com.microsoft:argument-error' },
  DeviceDefinedMultipleTimes: { code: 400011, status: 400, condition: 'com.microsoft:argument-error' },
  DefaultStorageEndpointNotConfigured: { code: 400014, status: 400, condition: 'com.microsoft:argument-error' },
  InvalidFileUploadCorrelationId: { code: 400015, status: 400, condition: 'com.microsoft:argument-error' },
  ExpiredFileUploadCorrelationId: { code: 400016, status: 400, condition: 'com.microsoft:argument-error' },
  ConnectionForcefullyClosedOnNewConnection: { code: 400027, status: 400, condition: 'amqp:link:stolen' },
  InvalidPolicyKey: { code: 400035, status: 400, condition: 'com.microsoft:argument-error' },
  InvalidConfigurationTargetCondition: { code: 400401, status: 400, condition: 'com.microsoft:argument-error' },
  InvalidConfigurationContent: { code: 400402, status: 400, condition: 'com.microsoft:argument-error' },
  InvalidConfigurationCustomMetricsQuery: { code: 400404, status: 400, condition: 'com.microsoft:argument-error' },
  IotHubUnauthorizedAccess: { code: 401002, status: 401, condition: 'amqp:unauthorized-access' },
  IotHubUnauthorized: { code: 401003, status: 401, condition: 'amqp:unauthorized-access' },
  DeviceMaximumQueueDepthExceeded: { code: 403004, status: 403, condition: 'amqp:resource-limit-exceeded' },
  DeviceMaximumActiveFileUploadLimitExceeded: { code: 403006, status: 403, condition: 'amqp:resource-limit-exceeded' },
  DeviceDisabled: { code: 403012, status: 403, condition: 'amqp:unauthorized-access' },
  DeviceNotFound: { code: 404001, status: 404, condition: 'amqp:not-found' },
  MessagingEntityNotFound: { code: 404000, status: 404, condition: 'amqp:not-found' },
  RouteNotFound: { code: 404000, status: 404, condition: 'amqp:not-found' },
  JobNotFound: { code: 404002, status: 404, condition: 'amqp:not-found' },
  ModuleNotFound: { code: 404010, status: 404, condition: 'amqp:not-found' },
  DeviceNotOnline: { code: 404103, status: 404, condition: 'amqp:not-found' },
  ConfigurationNotFound: { code: 404301, status: 404, condition: 'amqp:not-found' },
  ReceiverQuotaExceeded: { code: 403000, status: 403, condition: 'amqp:resource-limit-exceeded' },
  ReceiverDisconnected: { code: 410000, status: 410, condition: 'amqp:link:stolen' },
  MethodNotAllowed: { code: 405000, status: 405, condition: 'amqp:not-allowed' },
  RequestTimedOut: { code: 408001, status: 408, condition: 'com.microsoft:timeout' },
  DeviceAlreadyExists: { code: 409001, status: 409, condition: 'com.microsoft:device-already-exists' },
  JobAlreadyExists: { code: 409104, status: 409, condition: 'com.microsoft:device-already-exists' },
  ModuleAlreadyExistsOnDevice: { code: 409301, status: 409, condition: 'com.microsoft:device-already-exists' },
  ConfigurationAlreadyExists: { code: 409401, status: 409, condition: 'com.microsoft:device-already-exists' },
  PreconditionFailed: { code: 412001, status: 412, condition: 'com.microsoft:precondition-failed' },
  DeviceMessageLockLost: { code: 412002, status: 412, condition: 'com.microsoft:message-lock-lost' },
  MessageTooLarge: { code: 413001, status: 413, condition: 'amqp:link:message-size-exceeded' },
  TooManyModulesOnDevice: { code: 413003, status: 413, condition: 'amqp:resource-limit-exceeded' },
  ConfigurationCountLimitExceeded: { code: 413101, status: 413, condition: 'amqp:resource-limit-exceeded' },
  ThrottlingMaxActiveJobCountExceeded: {
    code: 429004,
    status: 429,
    condition: 'com.microsoft:device-container-throttled',
  },
  ServerError: { code: 500001, status: 500, condition: 'amqp:internal-error' },
  NotImplemented: { code: 501000, status: 501, condition: 'amqp:not-implemented' },
  InvalidDeviceResponse: { code: 502001, status: 502, condition: 'amqp:internal-error' },
  ServiceUnavailable: { code: 503001, status: 503, condition: 'com.microsoft:timeout' },
  GatewayTimeout: { code: 504101, status: 504, condition: 'com.microsoft:timeout' },
} as const satisfies Record<string, { code: number; status: number; condition: string }>;

export type HubErrorName = keyof typeof HUB_ERRORS;

/** An operation the hub refuses. `message` is told to the client and never holds a key or a token. */
export class HubError extends Error {
  /** IoT Hub's numeric code, for example 404103. */
  readonly code: number;
  /** HTTP status, also the status in MQTT twin replies. */
  readonly status: number;
  /** AMQP error condition: what the official SDKs choose their error class by. */
  readonly condition: string;
  /** For the hub's log alone: what a client that has not proven itself must not learn. */
  readonly reason: string;
  /** Facts of the refusal that a direct method's caller is told beside the message. */
  readonly info: Readonly<Record<string, string>> | undefined;

  constructor(
    readonly errorName: HubErrorName,
    message: string,
    options: ErrorOptions & { reason?: string; info?: Readonly<Record<string, string>> } = {},
  ) {
    super(message, options);
    this.name = 'HubError';
    this.code = HUB_ERRORS[errorName].code;
    this.status = HUB_ERRORS[errorName].status;
    this.condition = HUB_ERRORS[errorName].condition;
    this.reason = options.reason ?? message;
    this.info = options.info;
  }
}
