import { Temporal } from 'temporal-polyfill';
import { TrackingError } from './errors.js';
import { type Nanoseconds, SECOND, toMilliseconds } from './time.js';

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** `none` lists events; `all` is one window; `5m` and `6h` are divisors of an hour or of a day. */
export type Granularity =
  'none' | 'all' | 'minute' | 'hour' | 'day' | 'week' | 'month' | 'year' | `${number}m` | `${number}h`;

/** The granularities that divide time by a calendar. */
export type CalendarGranularity = Exclude<Granularity, 'none' | 'all'>;

/** Windows of equal length that follow one another without a gap. */
export interface WindowRun {
  /** The first window's start. */
  readonly start: Nanoseconds;
  /** The length of each, in nanoseconds; a whole number of seconds except where `all` makes the window. */
  readonly length: Nanoseconds;
  readonly count: number;
}

/** Whose days and weeks. */
export interface Calendar {
  /** An IANA name. */
  readonly timezone: string;
  readonly weekStart: Weekday;
}

export const MAX_WINDOWS = 100_000;

// All below is in seconds: `utc` since 1970 in UTC, `local` as a clock on the wall would count them.
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/**
 * The windows of a granularity from the one that holds `first` to the one that holds `last`, compressed into runs of
 * equal length. Every instant in between belongs to exactly one of them.
 *
 * Days and longer, and multiples of hours, begin at the first instant of their local date and hour and last until the
 * next one begins; what a zone skipped has no window. Minutes, hours and divisors of an hour follow the local clock,
 * and an hour that the clock passes twice is two windows.
 * @throws TrackingError `unprocessable` where there are more than 100,000, naming a granularity that would fit
 */
export function windowRuns(
  first: Nanoseconds,
  last: Nanoseconds,
  granularity: CalendarGranularity,
  calendar: Calendar,
): WindowRun[] {
  const blocks = blocksOf(granularity, calendar.weekStart);
  const [from, to] = [toSeconds(first), toSeconds(last)];
  refuseTooMany((to - from) / blocks.longest, from, to);
  // A margin on both sides that surely holds a window's start.
  const margin = blocks.longest + 2 * DAY;
  const starts = startsOf(blocks, offsetsBetween(from - margin, to + margin, calendar.timezone));
  const begin = starts.findLastIndex((start) => start <= from);
  const end = starts.findIndex((start) => start > to);
  refuseTooMany(end - begin, from, to);
  return compress(starts.slice(begin, end + 1));
}

/** The number of windows in runs. */
export function countWindows(runs: readonly WindowRun[]): number {
  return runs.reduce((sum, run) => sum + run.count, 0);
}

/** The end of a run's last window, which is excluded from it. */
export function endOfRun(run: WindowRun): Nanoseconds {
  return run.start + run.length * BigInt(run.count);
}

/** What a local clock is divided into. */
interface Blocks {
  /** The number of the block that holds a local time; later blocks have higher numbers. */
  number(local: number): number;
  /** The local time at which a block starts. */
  start(number: number): number;
  /** An upper bound of a block's length by a clock that never jumps. */
  readonly longest: number;
  /** Whether a block that the clock passes twice is two windows. */
  readonly repeats: boolean;
}

function blocksOf(granularity: CalendarGranularity, weekStart: Weekday): Blocks {
  switch (granularity) {
    case 'minute':
      return equalBlocks(MINUTE);
    case 'hour':
      return equalBlocks(HOUR);
    case 'day':
      return equalBlocks(DAY);
    case 'week':
      // 1970-01-01 was a Thursday, day 3 of a week that starts on Monday.
      return equalBlocks(7 * DAY, (WEEKDAYS.indexOf(weekStart) - 3) * DAY);
    case 'month':
      return monthBlocks(1);
    case 'year':
      return monthBlocks(12);
    default:
      return equalBlocks(Number.parseInt(granularity, 10) * (granularity.endsWith('m') ? MINUTE : HOUR));
  }
}

function equalBlocks(length: number, origin = 0): Blocks {
  return {
    number: (local) => Math.floor((local - origin) / length),
    start: (number) => origin + number * length,
    longest: length,
    repeats: length <= HOUR,
  };
}

function monthBlocks(months: number): Blocks {
  return {
    number: (local) => {
      const date = new Date(local * 1000);
      return Math.floor((date.getUTCFullYear() * 12 + date.getUTCMonth()) / months);
    },
    // The year is given apart because Date.UTC reads the years 0 to 99 as 1900 to 1999; no event lies there.
    start: (number) => Date.UTC(Math.floor((number * months) / 12), (number * months) % 12) / 1000,
    longest: months * 31 * DAY,
    repeats: false,
  };
}

/** A time during which a zone's clock runs on without a jump. */
interface Stretch {
  readonly start: number;
  readonly end: number;
  /** What the zone adds to UTC. */
  readonly offset: number;
}

function offsetsBetween(from: number, to: number, timezone: string): Stretch[] {
  const stretches: Stretch[] = [];
  let moment = Temporal.Instant.fromEpochMilliseconds(from * 1000).toZonedDateTimeISO(timezone);
  let start = from;
  while (start < to) {
    const transition = moment.getTimeZoneTransition('next');
    const end = transition === null ? to : Math.min(to, transition.epochMilliseconds / 1000);
    stretches.push({ start, end, offset: moment.offsetNanoseconds / 1e9 });
    if (transition === null) break;
    moment = transition;
    start = end;
  }
  return stretches;
}

/** The starts of all windows in the stretches. The very first, where the stretches begin, may be none. */
function startsOf(blocks: Blocks, stretches: readonly Stretch[]): number[] {
  const starts: number[] = [];
  let latest = -Infinity; // the number of the latest block that began
  let clock = -Infinity; // where the local clock stood when the stretch before ended
  for (const { start, end, offset } of stretches) {
    let number = blocks.number(start + offset);
    const goesOn = number === latest && clock < blocks.start(number + 1);
    if (number > latest || (blocks.repeats && !goesOn)) {
      starts.push(start);
      latest = number;
    }
    clock = end + offset;
    for (number++; blocks.start(number) < clock; number++) {
      if (number <= latest && !blocks.repeats) continue;
      starts.push(blocks.start(number) - offset);
      latest = number;
    }
  }
  return starts;
}

/** Runs of equal length from the starts of windows; the last start only ends the window before it. */
function compress(starts: readonly number[]): WindowRun[] {
  const runs: WindowRun[] = [];
  let index = 0;
  while (index < starts.length - 1) {
    const start = at(starts, index);
    const length = at(starts, index + 1) - start;
    let count = 1;
    while (index + count < starts.length - 1 && at(starts, index + count + 1) - at(starts, index + count) === length) {
      count++;
    }
    runs.push({ start: BigInt(start) * SECOND, length: BigInt(length) * SECOND, count });
    index += count;
  }
  return runs;
}

function at(numbers: readonly number[], index: number): number {
  const number = numbers[index];
  if (number === undefined) throw new RangeError(`No number at ${index}`);
  return number;
}

const LADDER: readonly (readonly [CalendarGranularity, number])[] = [
  ['minute', MINUTE],
  ['5m', 5 * MINUTE],
  ['15m', 15 * MINUTE],
  ['hour', HOUR],
  ['6h', 6 * HOUR],
  ['day', DAY],
];

function refuseTooMany(count: number, from: number, to: number): void {
  if (count <= MAX_WINDOWS) return;
  // One window more at each end, and room for the odd ones where clocks change.
  const fitting = LADDER.find(([, length]) => ((to - from) / length) * 1.001 + 2 <= MAX_WINDOWS)?.[0] ?? 'week';
  throw new TrackingError(
    'unprocessable',
    `That would be more than ${MAX_WINDOWS} windows between the first and the last event in the range. ` +
      `Ask for granularity=${fitting} or for a shorter range.`,
  );
}

function toSeconds(time: Nanoseconds): number {
  return Math.floor(toMilliseconds(time) / 1000);
}
