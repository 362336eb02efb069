/**
 * What FFmpeg calls a camera of this machine: by its number, or as the setting names it.
 *
 * @see https://ffmpeg.org/ffmpeg-devices.html#Input-Devices
 */
export function deviceName(device: number | string, platform: NodeJS.Platform = process.platform): string {
  switch (platform) {
    case 'win32':
      return `video=${device}`;
    case 'darwin':
      return String(device);
    default:
      return typeof device === 'number' ? `/dev/video${device}` : device;
  }
}
