import type { Point } from './event.js';

/** What all points of a set come to, whatever their order. */
export interface Totals {
  readonly points: number;
  /** Of the values, to within rounding. */
  readonly sum: number;
  /** 64 bits over series, nanosecond, value and identity of each point, as hexadecimal digits. */
  readonly checksum: string;
}

// A double and a bigint seen as words, so that mixing makes no further bigints.
const SCRATCH = new ArrayBuffer(24);
const DOUBLES = new Float64Array(SCRATCH);
const BIGINTS = new BigInt64Array(SCRATCH);
const WORDS = new Int32Array(SCRATCH);

const MAX_SERIES_KEPT = 50_000;

/** Counts points, and adds up what makes them differ. */
export class Tally {
  private points = 0;
  private sum = 0;
  /** What rounding has lost of the sum (Neumaier). */
  private lost = 0;
  private low = 0;
  private high = 0;
  private readonly seeds = new Map<string, number>();

  add(points: readonly Point[]): void {
    for (const point of points) this.addOne(point);
  }

  get totals(): Totals {
    const words = [this.high, this.low].map((word) => (word >>> 0).toString(16).padStart(8, '0'));
    return { points: this.points, sum: this.sum + this.lost, checksum: words.join('') };
  }

  private addOne({ series, time, value, identity }: Point): void {
    this.points++;
    const sum = this.sum + value;
    this.lost += Math.abs(this.sum) >= Math.abs(value) ? this.sum - sum + value : value - sum + this.sum;
    this.sum = sum;
    BIGINTS[0] = time;
    BIGINTS[1] = identity.kind === 'id' ? identity.fingerprint : identity.kind === 'sample' ? 1n << 62n : 0n;
    DOUBLES[2] = value;
    const seed = this.seedOf(series.key);
    this.low = (this.low + mix(seed)) | 0;
    this.high = (this.high + mix(seed ^ 0x5bd1e995)) | 0;
  }

  private seedOf(key: string): number {
    const known = this.seeds.get(key);
    if (known !== undefined) return known;
    let seed = 0x811c9dc5;
    for (let index = 0; index < key.length; index++) seed = Math.imul(seed ^ key.charCodeAt(index), 0x01000193);
    if (this.seeds.size >= MAX_SERIES_KEPT) this.seeds.clear();
    this.seeds.set(key, seed);
    return seed;
  }
}

/** 32 bits of the words, mixed as MurmurHash3 does. */
function mix(seed: number): number {
  let hash = seed;
  for (const word of WORDS) {
    const scrambled = Math.imul(word, 0xcc9e2d51);
    hash ^= Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
