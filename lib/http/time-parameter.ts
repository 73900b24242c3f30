import { Temporal } from 'temporal-polyfill';
import { type Mistake, messageOf } from '../errors.js';
import {
  END_OF_TIME,
  MILLISECOND,
  MIN_TIME,
  type Nanoseconds,
  SECOND,
  formatTime,
  parseDateTime,
  parseUnixSeconds,
  toMilliseconds,
} from '../time.js';

const UNIX_SECONDS = /^[+-]?\d+(?:\.\d+)?$/;
// Whoever deletes up to the year 2020 must not be told that there was nothing before 00:33:40 on the first day of 1970.
const YEAR = /^(?:1[6-9]|2[0-2])\d\d$/;
const RELATIVE = /^-(\d{1,7})(m|h|d|w|mo|y)$/;
// A plus sign that was not percent-encoded arrives as a space.
const OFFSET_WITHOUT_SIGN = /(:\d\d(?:\.\d+)?) (\d\d:\d\d)$/;

const EXACT = { m: 60n * SECOND, h: 3600n * SECOND } as const;
const CALENDAR = { d: 'days', w: 'weeks', mo: 'months', y: 'years' } as const;

export interface Range {
  readonly bounds: { readonly tsMin?: Nanoseconds; readonly tsMax?: Nanoseconds };
  /** What to write in place of times that were relative, for who asks again. */
  readonly texts: ReadonlyMap<string, string>;
}

/** Reads `tsMin` and `tsMax`, both from the same moment on; mistakes are added to the others. */
export function readRange(
  given: { readonly tsMin?: string; readonly tsMax?: string },
  timezone: string,
  moment: Nanoseconds,
  mistakes: Mistake[],
): Range {
  const texts = new Map<string, string>();
  const read = (path: 'tsMin' | 'tsMax'): Nanoseconds | undefined => {
    const text = given[path];
    if (text === undefined || text === '') return undefined;
    try {
      const time = wholeMilliseconds(readTime(text, timezone, moment));
      if (text === 'now' || RELATIVE.test(text)) texts.set(path, formatTime(time));
      return time;
    } catch (error) {
      mistakes.push({ path, message: `${path} ${messageOf(error)}` });
      return undefined;
    }
  };
  const [tsMin, tsMax] = [read('tsMin'), read('tsMax')];
  if (tsMin !== undefined && tsMax !== undefined && tsMin >= tsMax) {
    mistakes.push({ path: 'tsMin', message: 'tsMin must be before tsMax' });
  }
  return { bounds: { ...(tsMin !== undefined && { tsMin }), ...(tsMax !== undefined && { tsMax }) }, texts };
}

function readTime(text: string, timezone: string, moment: Nanoseconds): Nanoseconds {
  if (text === 'now') return moment;
  if (YEAR.test(text)) {
    const second = formatTime(parseUnixSeconds(Number(text)));
    throw new Error(
      `must not be ${text} alone, which could mean the year or ${second}: write ${text}-01-01T00:00:00Z for the year, or ${text}.0 for the UNIX second`,
    );
  }
  if (UNIX_SECONDS.test(text)) return parseUnixSeconds(Number(text));
  const [, count, unit] = RELATIVE.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return before(moment, Number(count), unit as Unit, timezone);
  if (!/^\d{4}-/.test(text)) {
    throw new Error(
      'must be UNIX seconds, an RFC 3339 date-time such as 2020-11-12T11:10:00Z, or relative to now: now, -15m, -24h, -7d, -2w, -12mo, -1y',
    );
  }
  return parseDateTime(text.replace(OFFSET_WITHOUT_SIGN, '$1+$2'));
}

type Unit = keyof typeof EXACT | keyof typeof CALENDAR;

/** Minutes and hours are exact; days and longer are the local calendar's, so that `-1d` is the same time yesterday. */
function before(moment: Nanoseconds, count: number, unit: Unit, timezone: string): Nanoseconds {
  const time =
    unit === 'm' || unit === 'h'
      ? moment - BigInt(count) * EXACT[unit]
      : calendarBefore(moment, { [CALENDAR[unit]]: count }, timezone);
  if (time < MIN_TIME || time >= END_OF_TIME) throw new Error('must not go back beyond 1677-09-23');
  return time;
}

function calendarBefore(moment: Nanoseconds, duration: Temporal.DurationLike, timezone: string): Nanoseconds {
  const local = Temporal.Instant.fromEpochNanoseconds(moment).toZonedDateTimeISO(timezone);
  try {
    return local.subtract(duration).epochNanoseconds;
  } catch {
    return MIN_TIME - 1n; // beyond even what Temporal can say
  }
}

function wholeMilliseconds(time: Nanoseconds): Nanoseconds {
  return BigInt(toMilliseconds(time)) * MILLISECOND;
}
