import type { Nanoseconds } from './time.js';

export type Weekday = 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday';

/** `none` lists events; `all` is one window; `5m` and `6h` are divisors of an hour or of a day. */
export type Granularity =
  'none' | 'all' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year' | `${number}m` | `${number}h`;

/** Windows of equal length that follow one another without a gap. */
export interface WindowRun {
  /** The first window's start. */
  readonly start: Nanoseconds;
  /** The length of each, in nanoseconds; a whole number of seconds except where `all` makes the window. */
  readonly length: Nanoseconds;
  readonly count: number;
}
