import { MILLISECOND } from '../time.js';
import type { Stretch } from './intervals.js';

/** Nanoseconds in a millisecond: so many events of a series fit into one. */
export const MILLISECOND_CAPACITY = Number(MILLISECOND);

// Divides a millisecond evenly, so that no block reaches from one into the next.
const BLOCK = 64;
const FREE = -1;
// Measured, with all that points at a page.
const PAGE_BYTES = 1100;
const FINGERPRINTS_BYTES = 300;
const HINT_BYTES = 40;

/**
 * All that is known of a stretch of a series' time: which nanoseconds are taken, and which ids are there.
 * Times are nanoseconds after the page's start.
 */
export class Page {
  private readonly taken = new TakenTimes();
  private fingerprints: Fingerprints | undefined;
  /** From a block's start to the first time after it that may be free: all between the two are taken. */
  private hints: Map<number, number> | undefined;

  /**
   * @param start - in milliseconds since 1970
   * @param end - likewise, excluded
   */
  constructor(
    readonly start: number,
    readonly end: number,
  ) {}

  get bytes(): number {
    const ids = this.fingerprints === undefined ? 0 : FINGERPRINTS_BYTES + this.fingerprints.bytes;
    return PAGE_BYTES + this.taken.bytes + ids + (this.hints?.size ?? 0) * HINT_BYTES;
  }

  get size(): number {
    return this.taken.size;
  }

  /** From the millisecond of the first time that is taken to the one after the last: nothing where none is. */
  get extent(): Stretch {
    const { size, least, greatest } = this.taken;
    if (size === 0) return { start: this.start, end: this.start };
    return { start: this.millisecondOf(least), end: this.millisecondOf(greatest) + 1 };
  }

  /** Notes that a time is taken. */
  take(time: number): void {
    this.taken.add(time);
  }

  /** Notes that an id is there. */
  remember(fingerprint: bigint): void {
    (this.fingerprints ??= new Fingerprints()).add(fingerprint);
  }

  knows(fingerprint: bigint): boolean {
    return this.fingerprints?.has(fingerprint) === true;
  }

  /**
   * Takes the first free time at or after the wanted one, beginning again at the millisecond's start after its end.
   * @param millisecond - the time at which the millisecond begins
   * @returns the time, or -1 where the millisecond is full
   */
  place(wanted: number, millisecond: number): number {
    const end = millisecond + MILLISECOND_CAPACITY;
    let time = this.firstFree(wanted, millisecond, end);
    if (time === end) {
      time = this.firstFree(millisecond, millisecond, end);
      if (time === end) return -1;
    }
    this.taken.add(time);
    return time;
  }

  private millisecondOf(time: number): number {
    return this.start + Math.floor(time / MILLISECOND_CAPACITY);
  }

  private firstFree(from: number, millisecond: number, end: number): number {
    let time = from;
    let passed: number[] | undefined;
    while (time < end) {
      if (((time - millisecond) & (BLOCK - 1)) === 0) {
        const hint = this.hints?.get(time);
        if (hint !== undefined) {
          (passed ??= []).push(time);
          time = hint;
          continue;
        }
        if (!this.taken.has(time)) break;
        (passed ??= []).push(time);
      } else if (!this.taken.has(time)) break;
      time++;
    }
    for (const block of passed ?? [])
      if (time - block >= BLOCK) (this.hints ??= new Map<number, number>()).set(block, time);
    return time;
  }
}

/** A set of whole numbers from 0 to 2^53, by open addressing: 11 to 23 bytes each. */
class TakenTimes {
  size = 0;
  least = Infinity;
  greatest = -Infinity;
  private slots = new Float64Array(8).fill(FREE);

  get bytes(): number {
    return this.slots.byteLength;
  }

  has(time: number): boolean {
    return this.slots[this.slotOf(time)] === time;
  }

  add(time: number): void {
    const slot = this.slotOf(time);
    if (this.slots[slot] === time) return;
    this.slots[slot] = time;
    if (time < this.least) this.least = time;
    if (time > this.greatest) this.greatest = time;
    if (++this.size > this.slots.length * 0.7) this.grow();
  }

  private slotOf(time: number): number {
    const { slots } = this;
    const mask = slots.length - 1;
    let slot = scatter(time | 0, (time / 4_294_967_296) | 0) & mask;
    for (;;) {
      const there = slots[slot];
      if (there === time || there === FREE) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Float64Array(old.length * 2).fill(FREE);
    for (const time of old) if (time !== FREE) this.slots[this.slotOf(time)] = time;
  }
}

/** A set of 64-bit numbers other than 0, likewise. */
class Fingerprints {
  private size = 0;
  private slots = new BigInt64Array(8);
  private halves = new Int32Array(this.slots.buffer);

  get bytes(): number {
    return this.slots.byteLength;
  }

  has(fingerprint: bigint): boolean {
    return this.slots[this.slotOfNumber(fingerprint)] === fingerprint;
  }

  add(fingerprint: bigint): void {
    const slot = this.slotOfNumber(fingerprint);
    if (this.slots[slot] === fingerprint) return;
    this.slots[slot] = fingerprint;
    if (++this.size > this.slots.length * 0.7) this.grow();
  }

  private slotOfNumber(fingerprint: bigint): number {
    word[0] = fingerprint;
    return this.slotOf(wordHalves[0] ?? 0, wordHalves[1] ?? 0);
  }

  private slotOf(low: number, high: number): number {
    const { halves } = this;
    const mask = halves.length / 2 - 1;
    let slot = scatter(low, high) & mask;
    for (;;) {
      const lowThere = halves[slot * 2];
      const highThere = halves[slot * 2 + 1];
      if ((lowThere === low && highThere === high) || (lowThere === 0 && highThere === 0)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private grow(): void {
    const old = this.halves;
    this.slots = new BigInt64Array(old.length);
    this.halves = new Int32Array(this.slots.buffer);
    for (let index = 0; index < old.length; index += 2) {
      const low = old[index] ?? 0;
      const high = old[index + 1] ?? 0;
      if (low === 0 && high === 0) continue;
      const slot = this.slotOf(low, high);
      this.halves[slot * 2] = low;
      this.halves[slot * 2 + 1] = high;
    }
  }
}

// A bigint as two 32-bit numbers, without making another bigint.
const word = new BigInt64Array(1);
const wordHalves = new Int32Array(word.buffer);

function scatter(low: number, high: number): number {
  let mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
