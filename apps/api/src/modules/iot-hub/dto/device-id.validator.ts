import { applyDecorators } from '@nestjs/common';
import { IsString, Matches, MaxLength } from 'class-validator';

/**
 * What IoT Hub allows in a device id, save ids of dots alone, which URLs would swallow.
 * See https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-identity-registry
 */
const DEVICE_ID = /^(?!\.+$)[A-Za-z0-9\-.%_#*?!(),:=@$']+$/;

/** Requires a value that can be a device id. */
export function IsDeviceId(): PropertyDecorator {
  return applyDecorators(
    IsString(),
    MaxLength(128),
    Matches(DEVICE_ID, { message: "$property may hold letters, digits and - . % _ # * ? ! ( ) , : = @ $ ' only" }),
  );
}
