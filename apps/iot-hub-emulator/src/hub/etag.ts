/** The etag of a twin at a version: eight bytes in base64, `AAAAAAAAAAE=` for version 1. */
export function etagOfVersion(version: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(version));
  return bytes.toString('base64');
}

/** Whether an If-Match text allows a change of what has this etag: quotes do not matter, `*` allows all. */
export function matchesEtag(ifMatch: string, etag: string): boolean {
  const wanted = ifMatch.trim().replace(/^(?:W\/)?"(.*)"$/, '$1');
  return wanted === '*' || wanted === etag;
}
