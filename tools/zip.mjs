// Writes zip files with Unix permissions, the same bytes for the same files.
import { closeSync, openSync, writeSync } from 'node:fs';
import { crc32, deflateRawSync } from 'node:zlib';

/** 1 January 1980, the first day that zip knows. */
const NO_DATE = 0x21;
const DEFLATED = 8;
/** Made by Unix, so that the permissions count; format 2.0. */
const MADE_BY = (3 << 8) | 20;
const UTF8_NAMES = 1 << 11;
const MOST_ENTRIES = 0xffff;

/**
 * @param {string} file the zip file to write
 * @param {Iterable<{ name: string, content: Buffer, executable?: boolean }>} entries taken one by one
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function writeZip(file, entries) {
  const output = openSync(file, 'w');
  try {
    const directory = [];
    let offset = 0;
    const write = (bytes) => {
      offset += writeSync(output, bytes);
    };
    for (const { name, content, executable = false } of entries) {
      const nameBytes = Buffer.from(name);
      const packed = deflateRawSync(content);
      const common = Buffer.alloc(26);
      common.writeUInt16LE(20, 0);
      common.writeUInt16LE(UTF8_NAMES, 2);
      common.writeUInt16LE(DEFLATED, 4);
      common.writeUInt16LE(NO_DATE, 8);
      common.writeUInt32LE(crc32(content), 10);
      common.writeUInt32LE(packed.length, 14);
      common.writeUInt32LE(content.length, 18);
      common.writeUInt16LE(nameBytes.length, 22);

      const central = Buffer.alloc(46);
      central.write('PK\x01\x02', 'latin1');
      central.writeUInt16LE(MADE_BY, 4);
      common.copy(central, 6);
      central.writeUInt32LE((0o100000 | (executable ? 0o755 : 0o644)) * 0x10000, 38);
      central.writeUInt32LE(offset, 42);
      directory.push(central, nameBytes);

      write(Buffer.from('PK\x03\x04', 'latin1'));
      write(common);
      write(nameBytes);
      write(packed);
    }
    const count = directory.length / 2;
    if (count > MOST_ENTRIES) throw new Error(`A zip file takes ${MOST_ENTRIES} entries, not ${count}.`);
    const start = offset;
    for (const bytes of directory) write(bytes);
    const end = Buffer.alloc(22);
    end.write('PK\x05\x06', 'latin1');
    end.writeUInt16LE(count, 8);
    end.writeUInt16LE(count, 10);
    end.writeUInt32LE(offset - start, 12);
    end.writeUInt32LE(start, 16);
    write(end);
  } finally {
    closeSync(output);
  }
}
