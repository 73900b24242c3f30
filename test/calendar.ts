import { SECOND, type Nanoseconds, toMilliseconds } from '../lib/time.js';
import { type Calendar, type CalendarGranularity, WEEKDAYS, type Weekday } from '../lib/window.js';

// The judge of lib/window.ts: it asks for one instant at a time what the clock on the wall shows, and knows nothing of
// runs or stretches. Seconds since 1970, `utc` in UTC and `local` as the clock on the wall counts them.
const HOUR = 3600;
const DAY = 86_400;
/** No clock was ever put back by more than a day. */
const LONGEST_ECHO = 25 * HOUR;
const LONGEST_WINDOW = 366 * DAY;

/** The start of the window that holds the time. */
export function windowOf(time: Nanoseconds, granularity: CalendarGranularity, calendar: Calendar): Nanoseconds {
  const utc = Math.floor(toMilliseconds(time) / 1000);
  const clock = clockOf(calendar.timezone);
  const length = partOfAnHour(granularity);
  const start =
    length === undefined
      ? startOfProgress(utc, clock, (local) => blockOf(local, granularity, calendar.weekStart))
      : startOfPass(utc, clock, length);
  return BigInt(start) * SECOND;
}

/** A minute, an hour and what divides it: the clock alone decides, and a second pass is a window of its own. */
function startOfPass(utc: number, clock: Clock, length: number): number {
  const block = Math.floor(clock.local(utc) / length);
  const start = utc - (clock.local(utc) - block * length);
  const jump = clock.jumpsBetween(start - 1, utc).at(-1);
  if (jump === undefined) return start;
  const before = clock.local(jump - 1);
  const isUnderWay = Math.floor(before / length) === block && before + 1 < (block + 1) * length;
  return isUnderWay ? startOfPass(jump - 1, clock, length) : jump;
}

/** Days and longer, and several hours: the window starts when the calendar first got as far as it is now. */
function startOfProgress(utc: number, clock: Clock, block: (local: number) => number): number {
  const progress = (at: number): number => {
    const justBefore = clock.jumpsBetween(at - LONGEST_ECHO, at).map((jump) => jump - 1);
    return Math.max(...[at, ...justBefore].map((moment) => block(clock.local(moment))));
  };
  const reached = progress(utc);
  let [notYet, already] = [utc - LONGEST_WINDOW - 2 * DAY, utc];
  while (already - notYet > 1) {
    const middle = Math.floor((notYet + already) / 2);
    if (progress(middle) < reached) notYet = middle;
    else already = middle;
  }
  return already;
}

/** A number for each block of local time, which grows with it. */
function blockOf(local: number, granularity: CalendarGranularity, weekStart: Weekday): number {
  const date = new Date(local * 1000);
  const day = Math.floor(local / DAY);
  switch (granularity) {
    case 'day':
      return day;
    case 'week': {
      const names: readonly Weekday[] = ['sunday', ...WEEKDAYS.slice(0, 6)];
      return day - ((date.getUTCDay() - names.indexOf(weekStart) + 7) % 7);
    }
    case 'month':
      return date.getUTCFullYear() * 12 + date.getUTCMonth();
    case 'year':
      return date.getUTCFullYear();
    default: {
      const hours = Number(granularity.slice(0, -1));
      return day * 24 + Math.floor(date.getUTCHours() / hours);
    }
  }
}

function partOfAnHour(granularity: CalendarGranularity): number | undefined {
  if (granularity === 'minute') return 60;
  if (granularity === 'hour' || granularity === '1h') return HOUR;
  return granularity.endsWith('m') ? Number(granularity.slice(0, -1)) * 60 : undefined;
}

/** What the clock on the wall shows in a zone, as Intl knows it. */
class Clock {
  private readonly format: Intl.DateTimeFormat;
  private readonly memory = new Map<number, number>();

  constructor(timeZone: string) {
    this.format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  local(utc: number): number {
    let local = this.memory.get(utc);
    if (local === undefined) {
      if (this.memory.size > 1_000_000) this.memory.clear();
      const shown = new Map(this.format.formatToParts(utc * 1000).map(({ type, value }) => [type, Number(value)]));
      const part = (type: Intl.DateTimeFormatPartTypes): number => shown.get(type) ?? 0;
      const [month, hour] = [part('month') - 1, part('hour')];
      local = Date.UTC(part('year'), month, part('day'), hour, part('minute'), part('second')) / 1000;
      this.memory.set(utc, local);
    }
    return local;
  }

  /** The instants in (from, to] at which the clock was put back or forward. */
  jumpsBetween(from: number, to: number): number[] {
    const jumps: number[] = [];
    for (let hour = Math.floor(from / HOUR) * HOUR; hour < to; hour += HOUR) {
      const hasJumped = (at: number): boolean => this.local(at) - this.local(hour) !== at - hour;
      if (!hasJumped(hour + HOUR)) continue;
      let [before, after] = [hour, hour + HOUR];
      while (after - before > 1) {
        const middle = Math.floor((before + after) / 2);
        if (hasJumped(middle)) after = middle;
        else before = middle;
      }
      if (after > from && after <= to) jumps.push(after);
    }
    return jumps;
  }
}

const clocks = new Map<string, Clock>();

function clockOf(timezone: string): Clock {
  const clock = clocks.get(timezone) ?? new Clock(timezone);
  clocks.set(timezone, clock);
  return clock;
}
