export {
  captureImageFromCamera,
  CaptureImageFromCameraPayload,
  captureImageFromFile,
  CaptureImageFromFilePayload,
  CaptureReply,
  IMAGE_TYPES,
  MAX_CAMERA_INDEX,
} from './capture-image.js';
export type { AgentReportedProperties } from './device-twin.js';
export type { DirectMethodContract, DirectMethodFailure, PayloadClass } from './direct-method.js';
