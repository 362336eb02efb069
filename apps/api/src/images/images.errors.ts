import type { ErrorTable } from '../http/error-table.js';

/** What goes wrong with pictures. */
export const imageErrors = {
  'IMAGE.NOT_AN_IMAGE': {
    status: 415,
    title: 'The file is not an image that can be read',
    hint: 'Use a JPEG, PNG, WebP, GIF, AVIF or TIFF picture.',
  },
  'IMAGE.TOO_LARGE': {
    status: 413,
    title: 'The image is too large',
    hint: 'Use a picture of fewer bytes and fewer pixels; details gives the limit.',
  },
  'IMAGE.BUSY': {
    status: 503,
    title: 'Too many images are being scaled',
    hint: 'Try again in a few seconds.',
  },
} as const satisfies ErrorTable;
