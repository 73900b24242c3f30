import type { Aggregation } from '../aggregation.js';

/** What InfluxDB computes for us; everything else is made of these. */
export type Part = 'count' | 'mean' | 'sum' | 'min' | 'max' | 'first' | 'last' | 'stddev' | `q${string}`;

/** The part that an aggregation is. */
export function partOf(aggregation: Aggregation): Part {
  switch (aggregation) {
    case 'avg':
      return 'mean';
    case 'median':
      return 'q0.5';
    case 'count':
    case 'sum':
    case 'min':
    case 'max':
    case 'first':
    case 'last':
    case 'stddev':
      return aggregation;
    default:
      // As decimals: 99.9 / 100 is 0.9990000000000001.
      return `q${String(Number(`${aggregation.slice(1)}e-2`))}`;
  }
}

/** One window of one group: its parts, as far as they have come in. */
export class Cell {
  private readonly parts = new Map<Part, number>();
  private firstAt = Infinity;
  private lastAt = -Infinity;

  get count(): number {
    return this.parts.get('count') ?? 0;
  }

  /**
   * Adds what one series, or all together, have to a part.
   * @param milliseconds - when it was, for `first` and `last`
   */
  add(part: Part, value: number, milliseconds: number): void {
    const there = this.parts.get(part);
    if (part === 'first') {
      if (there !== undefined && milliseconds >= this.firstAt) return;
      this.firstAt = milliseconds;
    } else if (part === 'last') {
      if (there !== undefined && milliseconds < this.lastAt) return;
      this.lastAt = milliseconds;
    }
    this.parts.set(part, there === undefined ? value : merged(part, there, value));
  }

  /** Whether an aggregation has come in. It has not where the first points came while others were asked for. */
  has(aggregation: Aggregation): boolean {
    return this.parts.has(aggregation === 'stddev' ? 'count' : partOf(aggregation));
  }

  /** Null where it is not defined, or no number that JSON can hold. */
  valueOf(aggregation: Aggregation): number | null {
    const value = this.parts.get(partOf(aggregation));
    if (aggregation === 'stddev' && this.count < 2) return null;
    return value !== undefined && Number.isFinite(value) ? value : null;
  }
}

function merged(part: Part, there: number, value: number): number {
  switch (part) {
    case 'count':
    case 'sum':
      return there + value;
    case 'min':
      return Math.min(there, value);
    case 'max':
      return Math.max(there, value);
    default:
      return value;
  }
}
