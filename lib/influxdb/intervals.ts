// Beyond so many the two nearest become one.
const MOST = 8;

/** A stretch of time in milliseconds since 1970, without its end. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
}

/** Stretches of time in milliseconds, each without its end. They may grow larger than what was added, never smaller. */
export class Intervals {
  /** Start, end, start, end … in order, without overlap. */
  private bounds: number[] = [];

  add(start: number, end: number): void {
    if (start >= end) return;
    const { bounds } = this;
    let first = 0;
    while (first < bounds.length && (bounds[first + 1] ?? 0) < start) first += 2;
    let next = first;
    while (next < bounds.length && (bounds[next] ?? 0) <= end) next += 2;
    // All between the two are one with it.
    const from = next === first ? start : Math.min(start, bounds[first] ?? 0);
    const to = next === first ? end : Math.max(end, bounds[next - 1] ?? 0);
    if (next === first + 2) {
      bounds[first] = from;
      bounds[first + 1] = to;
    } else bounds.splice(first, next - first, from, to);
    if (bounds.length > MOST * 2) this.joinNearest();
  }

  addAll(others: Intervals, from = -Infinity): void {
    for (let index = 0; index < others.bounds.length; index += 2) {
      this.add(Math.max(from, others.bounds[index] ?? 0), others.bounds[index + 1] ?? 0);
    }
  }

  /** Whether any of it lies within the stretch. */
  meets(start: number, end: number): boolean {
    for (let index = 0; index < this.bounds.length; index += 2) {
      if ((this.bounds[index] ?? 0) < end && (this.bounds[index + 1] ?? 0) > start) return true;
    }
    return false;
  }

  /** Keeps only what lies within the stretch. */
  narrow(start: number, end: number): void {
    const bounds = this.bounds;
    this.bounds = [];
    for (let index = 0; index < bounds.length; index += 2) {
      this.add(Math.max(start, bounds[index] ?? 0), Math.min(end, bounds[index + 1] ?? 0));
    }
  }

  private joinNearest(): void {
    let nearest = 1;
    for (let index = 3; index < this.bounds.length - 1; index += 2) {
      if (this.gapAt(index) < this.gapAt(nearest)) nearest = index;
    }
    this.bounds.splice(nearest, 2);
  }

  private gapAt(index: number): number {
    return (this.bounds[index + 1] ?? 0) - (this.bounds[index] ?? 0);
  }
}
