import { randomUUID } from 'node:crypto';
import { utcText, type Clock } from '../../hub/clock.js';
import { HubError } from '../../hub/errors/hub-errors.js';
import type { HttpReply, HttpRoute } from './http-route.js';

/**
 * A failure as IoT Hub writes it: header `iothub-errorcode`, and a body whose `Message` begins with
 * `ErrorCode:{name};`, or, for direct methods and file uploads, is JSON text with the numeric code.
 */
export function errorReply(clock: Clock, error: HubError, shape: HttpRoute['errors'] = 'plain'): HttpReply {
  const timestamp = utcText(clock.nowMs());
  const trackingId = `${randomUUID().replaceAll('-', '').toUpperCase()}-G:0-TimeStamp:${usDate(timestamp)}`;
  const body =
    shape === 'nested'
      ? {
          Message: JSON.stringify({
            errorCode: error.code,
            trackingId,
            message: error.message,
            info: error.info,
            timestampUtc: timestamp,
          }),
          ExceptionMessage: '',
        }
      : {
          Message: `ErrorCode:${error.errorName};${error.message}`,
          ExceptionMessage: `Tracking ID:${trackingId}`,
        };
  return { status: error.status, headers: { 'iothub-errorcode': error.errorName }, body };
}

/** `11/07/2018 09:22:57` out of ISO 8601. */
const usDate = (iso: string): string =>
  `${iso.slice(5, 7)}/${iso.slice(8, 10)}/${iso.slice(0, 4)} ${iso.slice(11, 19)}`;
