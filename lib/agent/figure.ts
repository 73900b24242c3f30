import type { Tags } from '../event.js';

/** One measurement of this host; what each name means, and its unit, is in the README. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  /** What tells it from others of its name, such as the device. */
  readonly tags?: Tags;
}

/**
 * Reads some of the figures.
 * @param seconds - since the last time, for rates; undefined the first time, when there are none
 */
export type Source = (seconds: number | undefined) => Promise<Figure[]>;

/** A part of a whole in percent; of nothing it is 0. */
export function percent(part: number, whole: number): number {
  return whole > 0 ? Math.min(100, Math.max(0, (part / whole) * 100)) : 0;
}

/** What counters have grown by since the last time, each a second. One that went back was reset: it counts from 0. */
export class Rates {
  private last = new Map<string, readonly number[]>();
  private next = new Map<string, readonly number[]>();

  /** @returns the rates of one thing; undefined where it was not there the last time */
  of(key: string, counters: readonly number[], seconds: number | undefined): number[] | undefined {
    this.next.set(key, counters);
    const before = this.last.get(key);
    if (before === undefined || seconds === undefined || seconds <= 0) return undefined;
    return counters.map((counter, index) => {
      const grown = counter - (before[index] ?? 0);
      return (grown < 0 ? counter : grown) / seconds;
    });
  }

  /** To be called when all things have been asked for: those that are gone are forgotten. */
  done(): void {
    this.last = this.next;
    this.next = new Map();
  }
}
