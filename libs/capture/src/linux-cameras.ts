import { readdir, readFile } from 'node:fs/promises';
import type { CameraDevice } from './frame-source.js';

/** Video nodes that are no cameras: the encoders, decoders and scalers of a Raspberry Pi. */
const NO_CAMERA = /^(?:bcm2835-(?:codec|isp)|rpi-?(?:hevc|vid)|rpivid|pispbe)/;

/** The cameras that Linux shows, by number; none on other systems. */
export async function listDeviceFiles(directory = '/sys/class/video4linux'): Promise<CameraDevice[]> {
  const entries = await readdir(directory).catch(() => []);
  const devices = await Promise.all(
    entries.map(async (entry) => {
      const number = /^video(\d+)$/.exec(entry)?.[1];
      const read = (file: string): Promise<string> =>
        readFile(`${directory}/${entry}/${file}`, 'utf8').then(
          (text) => text.trim(),
          () => '',
        );
      const [name, position] = await Promise.all([read('name'), read('index')]);
      // A USB camera shows a second node for its metadata, at position 1.
      const isCamera = number !== undefined && !NO_CAMERA.test(name) && (position === '' || position === '0');
      return isCamera ? [{ number: Number(number), name: name || entry }] : [];
    }),
  );
  return devices.flat().sort((left, right) => left.number - right.number);
}
