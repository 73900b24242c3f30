import type { Identity } from '../event.js';
import type { Nanoseconds } from '../time.js';

/** A page is 2^38 ns (4 min 35 s) of all series. */
export const PAGE_BITS = 38;

// Two bigints seen as four words, so that hashing makes no further bigints. All platforms of Node are little-endian.
const SCRATCH = new BigInt64Array(2);
const WORDS = new Int32Array(SCRATCH.buffer);

/** The page of a time: its upper 26 bits. */
export function pageOf(time: Nanoseconds): number {
  SCRATCH[0] = time;
  return (WORDS[1] ?? 0) >> (PAGE_BITS - 32);
}

/** What the column `fingerprint` holds for an identity. */
export function fingerprintOf(identity: Exclude<Identity, { kind: 'none' }>): bigint {
  return identity.kind === 'sample' ? 0n : identity.fingerprint;
}

/** 32 bits of series, time and fingerprint, mixed as MurmurHash3 does. */
export function hashOf(series: number, time: Nanoseconds, fingerprint: bigint): number {
  SCRATCH[0] = time;
  SCRATCH[1] = fingerprint;
  const [timeLow = 0, timeHigh = 0, low = 0, high = 0] = WORDS;
  let hash = Math.imul(timeLow, 0x9e3779b1) ^ low ^ Math.imul(high, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) + Math.imul(timeHigh, 0x165667b1) + Math.imul(series, 0xc2b2ae3d);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
