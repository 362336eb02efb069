export { CaptureEvent, captureEvent, type CaptureSource } from './capture-event.js';
export {
  captureImageFromCamera,
  CaptureImageFromCameraPayload,
  captureImageFromFile,
  CaptureImageFromFilePayload,
  CaptureReply,
  IMAGE_TYPES,
  MAX_CAMERA_INDEX,
} from './capture-image.js';
export { type DeviceMessageContract, MESSAGE_KIND_PROPERTY } from './device-message.js';
export type { AgentDesiredProperties, AgentReportedProperties, PropertyAcknowledgement } from './device-twin.js';
export type { DirectMethodContract, DirectMethodFailure, PayloadClass } from './direct-method.js';
export { Telemetry, telemetry, TELEMETRY_INTERVAL_PROPERTY, TELEMETRY_INTERVAL_SECONDS } from './telemetry.js';
