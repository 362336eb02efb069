export { CAPTURE_ERROR_STATUS, type CaptureErrorCode } from './capture.errors.js';
export { captureOptionsFrom, captureSettings, type CaptureSettings } from './capture.settings.js';
export { CAPTURE_BACKENDS, type CaptureBackend } from './load-frame-source.js';
export { type CameraDescription, type CaptureOptions, type CaptureRequest, StillCapture } from './still-capture.js';
export type { PictureType, StillPicture } from './still-picture.js';
