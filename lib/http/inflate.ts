import { createGunzip } from 'node:zlib';

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
