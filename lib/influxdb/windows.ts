import type { Selection } from '../aggregation.js';
import { MILLISECOND, type Nanoseconds, toMilliseconds } from '../time.js';
import type { WindowRun } from '../window.js';
import { ALL_TIME, type Range, rangeOf, within } from './flux.js';

const LEAST_TIME = -(2n ** 63n);
const GREATEST_TIME = 2n ** 63n - 1n;

/** A stretch of time to ask for: one window, or a run of equal ones that InfluxDB divides by itself. */
export interface Piece {
  readonly range: Range;
  readonly division?: Division;
}

export interface Division {
  readonly every: Nanoseconds;
  /** By how much the windows' starts lie after multiples of `every` since 1970. */
  readonly offset: Nanoseconds;
}

/** The windows of a question: numbered, cut to the selected range, and found again by a time within them. */
export class Windows {
  readonly count: number;
  private readonly runs: readonly NumberedRun[];
  private readonly range: Range;

  constructor(runs: readonly WindowRun[], selection: Selection) {
    this.range = within(rangeOf(selection), ALL_TIME);
    let first = 0;
    this.runs = runs.map((run) => {
      const numbered = {
        ...run,
        first,
        startMilliseconds: toMilliseconds(run.start),
        lastMillisecond: toMilliseconds(run.start + BigInt(run.count) * run.length - 1n),
        lengthMilliseconds: Number(run.length) / Number(MILLISECOND),
      };
      first += run.count;
      return numbered;
    });
    this.count = first;
  }

  /** The number of the window that holds a time; undefined between two runs. */
  at(milliseconds: number): number | undefined {
    const run = lastWhere(this.runs, ({ startMilliseconds }) => startMilliseconds <= milliseconds);
    if (run === undefined || milliseconds > run.lastMillisecond) return undefined;
    // A window of the whole range may begin and end within a millisecond.
    const index = Math.floor((milliseconds - run.startMilliseconds) / run.lengthMilliseconds);
    return run.first + Math.min(index, run.count - 1);
  }

  startOf(number: number): Nanoseconds {
    const run = this.runOf(number);
    return run.start + BigInt(number - run.first) * run.length;
  }

  /** The selected part of a window. */
  rangeOf(number: number): Range {
    const start = this.startOf(number);
    return within({ start, end: start + this.runOf(number).length }, this.range);
  }

  /** What to ask for, in order of time: runs that Flux may divide, and windows that stand alone. */
  pieces(): Piece[] {
    const pieces: Piece[] = [];
    const add = (range: Range, division?: Division) => {
      if (range.start < range.end) pieces.push(division ? { range, division } : { range });
    };
    for (const run of this.runs) {
      const { from, to } = dividable(run);
      for (let index = 0; index < from; index++) add(this.rangeOf(run.first + index));
      if (to > from) {
        const start = run.start + BigInt(from) * run.length;
        const range = within({ start, end: start + BigInt(to - from) * run.length }, this.range);
        add(range, { every: run.length, offset: remainder(run.start, run.length) });
      }
      for (let index = to; index < run.count; index++) add(this.rangeOf(run.first + index));
    }
    return pieces;
  }

  /** The time from the first window to the last. */
  get whole(): Range {
    const last = this.runs.at(-1);
    if (last === undefined) return { start: 0n, end: 0n };
    const end = last.start + BigInt(last.count) * last.length;
    return within({ start: this.runs[0]?.start ?? end, end }, this.range);
  }

  private runOf(number: number): NumberedRun {
    const run = lastWhere(this.runs, ({ first }) => first <= number);
    if (run === undefined) throw new RangeError(`There is no window ${number}.`);
    return run;
  }
}

/** The last run of which something holds that holds for all before it. */
function lastWhere(runs: readonly NumberedRun[], holds: (run: NumberedRun) => boolean): NumberedRun | undefined {
  let low = -1;
  let high = runs.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const run = runs[middle];
    if (run && holds(run)) low = middle;
    else high = middle - 1;
  }
  return runs[low];
}

interface NumberedRun extends WindowRun {
  /** The number of its first window. */
  readonly first: number;
  readonly startMilliseconds: number;
  readonly lastMillisecond: number;
  readonly lengthMilliseconds: number;
}

/**
 * Which windows of a run Flux may divide. A single one needs no division; and near the ends of time the bounds of the
 * window after the last overflow, and aggregateWindow runs without end.
 */
function dividable({ start, length, count }: WindowRun): { readonly from: number; readonly to: number } {
  if (count === 1) return { from: 0, to: 0 };
  const margin = 2n * length;
  let from = 0;
  while (from < count && start + BigInt(from) * length - margin < LEAST_TIME) from++;
  let to = count;
  while (to > from && start + BigInt(to) * length + margin > GREATEST_TIME) to--;
  return { from, to };
}

/** How far a time lies behind a multiple of a length, also before 1970. */
export function remainder(time: Nanoseconds, length: Nanoseconds): Nanoseconds {
  const rest = time % length;
  return rest < 0n ? rest + length : rest;
}
