export { CAPTURE_ERROR_STATUS } from './capture.errors.js';
export { captureOptionsFrom, captureSettings } from './capture.settings.js';
export { CAPTURE_BACKENDS } from './load-frame-source.js';
export { type CaptureRequest, StillCapture } from './still-capture.js';
export type { PictureType, StillPicture } from './still-picture.js';
