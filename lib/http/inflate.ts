import { createGunzip } from 'node:zlib';
import { uncompressSync } from 'snappy';

/** What a body may be compressed with: `snappy` is its block format, as Prometheus sends it. */
export type Compression = 'gzip' | 'snappy';

/**
 * Inflates gzip, also of several members.
 * @param inflating - told of the length of each piece before it is kept; what it throws ends the work
 * @throws Error of zlib where it is no gzip, or broken
 */
export function inflate(bytes: Buffer, inflating: (length: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const gunzip = createGunzip();
    gunzip.on('data', (piece: Buffer) => {
      try {
        inflating(piece.length);
        pieces.push(piece);
      } catch (error) {
        gunzip.destroy(error as Error);
      }
    });
    gunzip.once('end', () => {
      resolve(Buffer.concat(pieces));
    });
    gunzip.once('error', reject);
    gunzip.end(bytes);
  });
}

/** A copy of 64 bytes takes three at least, and nothing in a block makes more of less. */
const MAX_RATIO = 22;
const MAX_LENGTH_BYTES = 5;

/**
 * Inflates a block of Snappy, which says in front how long it is (https://github.com/google/snappy/blob/main/format_description.txt).
 * @param inflating - told of that length before there is room made for it; what it throws ends the work
 * @throws Error where it is no such block
 */
export function inflateSnappy(bytes: Buffer, inflating: (length: number) => void): Buffer {
  const length = snappyLength(bytes);
  if (length > bytes.length * MAX_RATIO) throw new RangeError('it claims to hold more than it can');
  inflating(length);
  return uncompressSync(bytes) as Buffer;
}

function snappyLength(bytes: Buffer): number {
  let length = 0;
  for (let at = 0; at < MAX_LENGTH_BYTES; at++) {
    const byte = bytes[at];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return length;
  }
  throw new RangeError('it does not begin with its length');
}
