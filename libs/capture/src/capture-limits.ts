/** The longest file name that a caller may give, in UTF-16 units. */
export const MAX_FILE_NAME_LENGTH = 1_024;

/** The largest picture file that is read or passed on: 64 MiB. */
export const MAX_PICTURE_BYTES = 64 * 1024 * 1024;

/** The largest video file that is opened: 8 GiB. No more of it is read than one frame needs. */
export const MAX_VIDEO_BYTES = 8 * 1024 * 1024 * 1024;

/** The most pixels a picture file may decode to, against decompression bombs. */
export const MAX_PICTURE_PIXELS = 64_000_000;

/** The most pixels a frame of a camera or video may have: 8K. */
export const MAX_FRAME_PIXELS = 7_680 * 4_320;

/** How many files are decoded at the same time; more of them wait. */
export const MAX_FILES_AT_ONCE = 2;
