/** Partitions of the built-in endpoint, unless told otherwise. */
export const DEFAULT_PARTITION_COUNT = 4;

/** The partition a device's messages go to: always the same one, so that they keep their order. */
export function partitionOf(deviceId: string, partitionCount: number): number {
  // FNV-1a, 32 bit: stable across versions and machines.
  let hash = 0x811c9dc5;
  for (let i = 0; i < deviceId.length; i += 1) hash = Math.imul(hash ^ deviceId.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % partitionCount;
}
