import { AppError } from '#libs/runtime';
import { translateHubError } from './hub-error.js';

/** An error as the SDK throws it: the answer of the hub hangs on it. */
const sdkError = (statusCode: number, body: unknown, headers: Record<string, string> = {}) =>
  Object.assign(new Error('Not found'), { response: { statusCode, headers }, responseBody: JSON.stringify(body) });

const registryBody = (name: string) => ({ Message: `ErrorCode:${name};text`, ExceptionMessage: 'Tracking ID:1' });
const nestedBody = (errorCode: number) => ({
  Message: JSON.stringify({ errorCode, message: 'text', trackingId: 'T-1', timestampUtc: '2026-01-01T00:00:00Z' }),
  ExceptionMessage: '',
});

describe(translateHubError.name, () => {
  it.each([
    ['an unknown device, registry form', sdkError(404, registryBody('DeviceNotFound')), 'DEVICE.NOT_FOUND'],
    ['an unknown device, plain form', sdkError(404, { errorCode: 404001, message: 'x' }), 'DEVICE.NOT_FOUND'],
    ['an unknown device, header only', sdkError(404, '', { 'iothub-errorcode': 'DeviceNotFound' }), 'DEVICE.NOT_FOUND'],
    ['an offline device, nested form', sdkError(404, nestedBody(404103)), 'DEVICE.NOT_ONLINE'],
    ['an offline device, header', sdkError(404, {}, { 'iothub-errorcode': 'DeviceNotOnline' }), 'DEVICE.NOT_ONLINE'],
    ['a late answer', sdkError(504, nestedBody(504101)), 'DEVICE.TIMEOUT'],
    ['a late answer without a body', sdkError(504, ''), 'DEVICE.TIMEOUT'],
    ['a reply that is not JSON', sdkError(502, {}), 'DEVICE.BAD_REPLY'],
    ['an id that is taken', sdkError(409, registryBody('DeviceAlreadyExists')), 'DEVICE.ALREADY_EXISTS'],
    ['an old etag', sdkError(412, registryBody('PreconditionFailed')), 'DEVICE_TWIN.CHANGED'],
    ['a wrong key', sdkError(401, registryBody('IotHubUnauthorizedAccess')), 'IOT_HUB.UNAUTHORIZED'],
    ['a missing right', sdkError(403, {}), 'IOT_HUB.UNAUTHORIZED'],
    ['a used-up quota', sdkError(403, { errorCode: 403002 }), 'IOT_HUB.QUOTA_EXCEEDED'],
    ['a refused argument', sdkError(400, registryBody('ArgumentInvalid')), 'IOT_HUB.REJECTED'],
    ['too large a payload', sdkError(413, {}), 'IOT_HUB.REQUEST_TOO_LARGE'],
    ['throttling', sdkError(429, registryBody('ThrottlingException')), 'IOT_HUB.THROTTLED'],
    ['a failing hub', sdkError(500, 'no json'), 'IOT_HUB.FAILED'],
    ['a missing hub', sdkError(404, registryBody('IotHubNotFound')), 'IOT_HUB.UNREACHABLE'],
    ['a refused connection', Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'IOT_HUB.UNREACHABLE'],
    [
      'a missing identity',
      Object.assign(new Error('x'), { name: 'CredentialUnavailableError' }),
      'IOT_HUB.UNAUTHORIZED',
    ],
  ])('reads %s', (_case, error, code) => {
    expect(translateHubError(error)).toMatchObject({ code, cause: error });
  });

  it('never decides by message text', () => {
    const misleading = { Message: 'DeviceNotOnline 404103', ExceptionMessage: 'ErrorCode:DeviceNotFound;' };
    expect(translateHubError(sdkError(500, misleading))).toMatchObject({ code: 'IOT_HUB.FAILED' });
  });

  it('keeps what helps to find the failure, and the device', () => {
    const error = translateHubError(sdkError(429, nestedBody(429001), { 'retry-after': '7' }), {
      deviceId: 'device001',
    });
    expect(error).toMatchObject({
      details: {
        device_id: 'device001',
        hub_status: 429,
        hub_error_number: 429001,
        hub_tracking_id: 'T-1',
        retry_after_seconds: 7,
      },
    });
  });

  it("passes on the hub's text only where it speaks of the caller's own request", () => {
    expect(translateHubError(sdkError(400, registryBody('ArgumentInvalid')))).toMatchObject({
      details: { hub_message: 'text' },
    });
    expect(translateHubError(sdkError(400, nestedBody(400004)))).toMatchObject({ details: { hub_message: 'text' } });
    expect(translateHubError(sdkError(500, nestedBody(500001)))).not.toHaveProperty('details.hub_message');
  });

  it('does not blame the hub for a mistake of ours', () => {
    const error = new TypeError('x is undefined');
    expect(translateHubError(error)).toBe(error);
  });

  it('leaves our own errors alone', () => {
    const error = new AppError('IOT_HUB.NOT_CONFIGURED', 'No IoT Hub is configured.');
    expect(translateHubError(error)).toBe(error);
  });
});
