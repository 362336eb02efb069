import { extname } from 'node:path';

/** How many bytes from the beginning of a file tell its type. */
export const SIGNATURE_BYTES = 12;

const BY_EXTENSION: Readonly<Record<string, string>> = {
  '.csv': 'text/csv; charset=utf-8',
  '.json': 'application/json',
  '.log': 'text/plain; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.mp4': 'video/mp4',
  '.pdf': 'application/pdf',
  '.txt': 'text/plain; charset=utf-8',
  '.zip': 'application/zip',
};

/** The type of a file: of a picture by its first bytes, else by its name. */
export function fileContentType(path: string, beginning: Buffer): string {
  return pictureType(beginning) ?? BY_EXTENSION[extname(path).toLowerCase()] ?? 'application/octet-stream';
}

function pictureType(beginning: Buffer): string | undefined {
  if (beginning.subarray(0, 3).equals(Buffer.from('ffd8ff', 'hex'))) return 'image/jpeg';
  if (beginning.subarray(0, 8).equals(Buffer.from('89504e470d0a1a0a', 'hex'))) return 'image/png';
  const text = beginning.toString('latin1');
  if (text.startsWith('GIF8')) return 'image/gif';
  if (text.startsWith('RIFF') && text.startsWith('WEBP', 8)) return 'image/webp';
  return undefined;
}
