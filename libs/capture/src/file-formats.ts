/**
 * The container formats that are read from files, by FFmpeg's names. Playlists and other formats that name further
 * files or addresses are left out on purpose: a file could make the device read those.
 *
 * @see https://ffmpeg.org/ffmpeg-formats.html#Demuxers
 */
export const FILE_FORMATS = [
  ...['mov', 'mp4', 'm4a', '3gp', '3g2', 'mj2'],
  ...['matroska', 'webm'],
  ...['avi', 'flv', 'asf', 'ogg', 'mxf', 'nut', 'ivf', 'wtv', 'gif'],
  ...['mpeg', 'mpegts', 'mpegvideo', 'h264', 'hevc', 'm4v', 'mjpeg', 'yuv4mpegpipe'],
  ...['bmp_pipe', 'ppm_pipe', 'pgm_pipe'],
].join(',');

/** A checked file is read by itself; nothing in it may lead anywhere else. */
export const FILE_PROTOCOLS = 'file';
