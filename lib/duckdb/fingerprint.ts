import type { Identity } from '../event.js';
import { MILLISECOND, type Nanoseconds } from '../time.js';

/**
 * A page is 2^18 ms (4 min 22 s) of all series. It holds whole milliseconds, so that an event that another store moved
 * within its own is looked for where it is.
 */
export const PAGE_LENGTH: Nanoseconds = (1n << 18n) * MILLISECOND;

// A page is 15,625 times 2^24 ns, and a time without its lower 24 bits is a whole number that a float holds exactly.
const GRAIN_BITS = 24;
const GRAINS = Number(PAGE_LENGTH >> BigInt(GRAIN_BITS));

/** SQL for the page of the column `time`. */
export const PAGE_SQL = `floor((time >> ${String(GRAIN_BITS)}) / ${String(GRAINS)})::INTEGER`;

// A bigint seen as two words, so that hashing makes no further bigints. All platforms of Node are little-endian.
const SCRATCH = new BigInt64Array(1);
const WORDS = new Int32Array(SCRATCH.buffer);

/** The page of a time. */
export function pageOf(time: Nanoseconds): number {
  SCRATCH[0] = time;
  const [low = 0, high = 0] = WORDS;
  return Math.floor((high * 2 ** (32 - GRAIN_BITS) + (low >>> GRAIN_BITS)) / GRAINS);
}

/** What the column `fingerprint` holds for an identity. */
export function storedFingerprint(identity: Exclude<Identity, { kind: 'none' }>): bigint {
  return identity.kind === 'sample' ? 0n : identity.fingerprint;
}

/** 32 bits of series and fingerprint, or of series and time where that is what tells samples apart, mixed as MurmurHash3 does. */
export function hashOf(series: number, time: Nanoseconds, fingerprint: bigint): number {
  SCRATCH[0] = fingerprint === 0n ? time : fingerprint;
  const [low = 0, high = 0] = WORDS;
  let hash = Math.imul(low, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) + Math.imul(high, 0x165667b1) + Math.imul(series, 0xc2b2ae3d);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
