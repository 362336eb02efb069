import type { ErrorTable } from '../../http/error-table.js';

/** What goes wrong between the API, the IoT Hub and a device. */
export const iotHubErrors = {
  'DEVICE.NOT_NAMED': {
    status: 400,
    title: 'No device is named',
    hint: 'Give device_id, or set IOT_HUB_DEVICE_ID as the default.',
  },
  'IOT_HUB.REJECTED': {
    status: 400,
    title: 'The IoT Hub does not accept the request',
    hint: 'Compare the request with the example on the Swagger page at /; details gives the reason of the hub.',
  },
  'DEVICE.NOT_FOUND': {
    status: 404,
    title: 'The IoT Hub knows no such device',
    hint: 'GET /iot_hub/devices lists the devices, POST /iot_hub/devices registers one. Ids are case-sensitive.',
  },
  'DEVICE.NOT_ONLINE': {
    status: 404,
    title: 'The device is not connected',
    hint: 'Start the device agent, or give connect_timeout_seconds to wait for the device.',
  },
  'DEVICE.NOT_LISTENING': {
    status: 404,
    title: 'The device is connected but listens to no direct methods',
    hint: 'Start the device agent with `run`; a program that only sends telemetry does not answer methods.',
  },
  'DEVICE.ALREADY_EXISTS': {
    status: 409,
    title: 'A device with this id is registered already',
    hint: 'Choose another id, or remove the device first.',
  },
  'DEVICE_TWIN.CHANGED': {
    status: 412,
    title: 'The twin has changed since it was read',
    hint: 'Read the twin again and repeat the change with its new ETag, or leave out If-Match.',
  },
  'IOT_HUB.REQUEST_TOO_LARGE': {
    status: 413,
    title: 'The request is larger than the IoT Hub accepts',
    hint: 'A payload may have 128 KiB, desired properties 32 KiB and tags 8 KiB; pictures go through Blob Storage.',
  },
  'IOT_HUB.THROTTLED': {
    status: 429,
    title: 'The IoT Hub asks for fewer requests',
    hint: 'Wait a little and repeat the request; a larger hub tier allows more.',
  },
  'IOT_HUB.QUOTA_EXCEEDED': {
    status: 429,
    title: 'The IoT Hub has used up its daily quota',
    hint: 'Wait for the next day (UTC), or choose a larger hub tier.',
  },
  'DEVICE.BAD_REPLY': {
    status: 502,
    title: 'The device has answered something that is not a valid reply',
    hint: 'Look at the log of the device: a reply is JSON of at most 128 KiB.',
  },
  'IOT_HUB.FAILED': {
    status: 502,
    title: 'The IoT Hub has failed',
    hint: 'Repeat the request; if it lasts, look at the status page of Azure or the log of the emulator.',
  },
  'IOT_HUB.UNAUTHORIZED': {
    status: 502,
    title: 'The IoT Hub refuses the credentials of the API',
    hint: 'Check IOT_HUB_CONNECTION_STRING: devices are registered with the policy iothubowner or registryReadWrite.',
  },
  'IOT_HUB.UNREACHABLE': {
    status: 502,
    title: 'The IoT Hub cannot be reached',
    hint: 'Check that the hub or its emulator runs, the host name in the setting, and CA_FILE.',
  },
  'IOT_HUB.NOT_CONFIGURED': {
    status: 503,
    title: 'No IoT Hub is configured',
    hint: 'Set IOT_HUB_CONNECTION_STRING, or IOT_HUB_HOST_NAME for a managed identity.',
  },
  'DEVICE.TIMEOUT': {
    status: 504,
    title: 'The device has not answered in time',
    hint: 'Give a larger response_timeout_seconds, or look at the log of the device: the method may still be running.',
  },
} as const satisfies ErrorTable;

/** What every call to the hub may end in. */
export const hubProblems = [
  'IOT_HUB.REJECTED',
  'IOT_HUB.THROTTLED',
  'IOT_HUB.QUOTA_EXCEEDED',
  'IOT_HUB.FAILED',
  'IOT_HUB.UNAUTHORIZED',
  'IOT_HUB.UNREACHABLE',
  'IOT_HUB.NOT_CONFIGURED',
] as const;
