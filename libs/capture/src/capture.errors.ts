/**
 * What can go wrong while taking a picture, with the status that a direct method answers for it.
 * Every failure of this library is an `AppError` with one of these codes.
 */
export const CAPTURE_ERROR_STATUS = {
  /** The file lies, or could lie, outside the media root, or is no regular file. */
  'MEDIA.OUTSIDE_ROOT': 403,
  'MEDIA.NOT_FOUND': 404,
  /** More bytes or more pixels than the limits allow. */
  'MEDIA.TOO_LARGE': 413,
  /** Neither a picture nor a video that can be decoded. */
  'MEDIA.UNREADABLE': 500,
  /** No camera has this index. */
  'CAMERA.NOT_FOUND': 404,
  /** Another shot is being taken with this camera, or another program holds it. */
  'CAMERA.BUSY': 409,
  /** The camera is there but could not be opened, or was lost. */
  'CAMERA.FAILED': 500,
  /** The camera or stream did not open, or sent no frame, in time. */
  'CAPTURE.TIMEOUT': 500,
  /** The source opened and ended without a frame. */
  'CAPTURE.NO_FRAME': 500,
  /** The caller's signal was aborted. */
  'CAPTURE.ABORTED': 500,
  /** The capture backend asked for is not installed here; the hint says how to install it. */
  'CAPTURE.BACKEND_MISSING': 500,
} as const satisfies Record<string, number>;
