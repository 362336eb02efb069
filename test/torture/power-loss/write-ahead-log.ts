export const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** Where SQLite's write-ahead log stands: which round of writing it is, and up to where that has come. */
export interface LogPosition {
  /** Changes when the log is begun anew, over what is in the file already. */
  readonly salts: string;
  /** Bytes of the file that belong to this round. */
  readonly end: number;
}

/** Reads how far a write-ahead log goes. @see https://sqlite.org/fileformat2.html#the_write_ahead_log */
export function logPosition(log: Buffer): LogPosition {
  if (log.length < HEADER_BYTES) return { salts: '', end: 0 };
  const frameBytes = FRAME_HEADER_BYTES + log.readUInt32BE(8);
  const salts = log.toString('hex', 16, 24);
  let end = HEADER_BYTES;
  while (end + frameBytes <= log.length && log.toString('hex', end + 8, end + 16) === salts) end += frameBytes;
  return { salts, end };
}
