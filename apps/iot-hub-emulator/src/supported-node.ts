/**
 * The Node.js releases that the emulator runs on, as a range of npm. Before them `node:sqlite` cannot bind a numbered
 * parameter.
 *
 * @public for the package, whose `engines` it is.
 */
export const SUPPORTED_NODE = '^22.20.0 || >=24.7.0';

/** @returns what to tell the user of a release that the emulator does not run on; undefined when it does. */
export function unsupportedNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if ((major === 22 && minor >= 20) || (major === 24 && minor >= 7) || major > 24) return undefined;
  return `The IoT Hub emulator needs Node.js 22.20 or later of version 22, or 24.7 or later; this is ${version}.`;
}
