/** Beyond this the hub may take a token for expired, or for not yet valid. */
const TOLERATED_SKEW_MS = 5 * 60_000;

/** What may be wrong when the hub refuses a device, given how far its clock is ahead of the hub's. */
export function rejectionHint(deviceId: string, clockSkewMs: number | undefined): string {
  if (clockSkewMs !== undefined && Math.abs(clockSkewMs) > TOLERATED_SKEW_MS) {
    const minutes = Math.round(Math.abs(clockSkewMs) / 60_000);
    return `This machine's clock is ${minutes} min ${clockSkewMs > 0 ? 'ahead of' : 'behind'} the hub's: set it right.`;
  }
  return `Check that the device "${deviceId}" exists in this hub, is enabled, and that the connection string holds its key.`;
}
