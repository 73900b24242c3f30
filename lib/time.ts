import { TrackingError } from './errors.js';

/** Nanoseconds since 1970-01-01T00:00:00Z: how every time is kept inside the service. */
export type Nanoseconds = bigint;

export const MILLISECOND = 1_000_000n;
export const SECOND = 1_000_000_000n;

/**
 * The whole days that InfluxDB can hold: the first instant of 1677-09-23 and of 2262-04-10 (excluded), UTC.
 * InfluxDB keeps signed 64-bit nanoseconds and reserves a few at either end
 * (https://docs.influxdata.com/influxdb/v2/reference/faq/#what-are-the-minimum-and-maximum-timestamps-that-influxdb-can-store).
 */
export const MIN_TIME: Nanoseconds = BigInt(Date.UTC(1677, 8, 23)) * MILLISECOND;
export const END_OF_TIME: Nanoseconds = BigInt(Date.UTC(2262, 3, 10)) * MILLISECOND;

const RANGE = 'from 1677-09-23 to 2262-04-09';

// RFC 3339 §5.6; the offset may be left out, and a space may stand for the T.
const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)?$/;

/**
 * Reads an RFC 3339 date-time or UNIX seconds.
 * @throws TrackingError `invalid`, saying what would be right
 */
export function parseTimestamp(value: string | number): Nanoseconds {
  // An event's timestamp is read once by whoever checks it and once by whoever stores it.
  if (value !== latest.value)
    latest = { value, time: typeof value === 'string' ? parseDateTime(value) : parseUnixSeconds(value) };
  return latest.time;
}

let latest: { readonly value: string | number; readonly time: Nanoseconds } = { value: 0, time: 0n };

/**
 * Reads an RFC 3339 date-time; without an offset it is UTC. Digits finer than a nanosecond are dropped.
 * @throws TrackingError `invalid`, saying what is wrong with the text
 */
export function parseDateTime(text: string): Nanoseconds {
  if (!DATE_TIME.test(text)) {
    throw new TrackingError(
      'invalid',
      'must be an RFC 3339 date-time such as 2020-11-12T11:10:00Z, or a number of UNIX seconds',
    );
  }
  const [year, month, day] = [twoDigits(text, 0) * 100 + twoDigits(text, 2), twoDigits(text, 5), twoDigits(text, 8)];
  const date = Date.UTC(year, month - 1, day);
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) {
    throw new TrackingError('invalid', `names a day that does not exist: ${text.slice(0, 10)}`);
  }
  if (year < 1677) throw outOfRange(); // Date.UTC reads the years 0 to 99 as those after 1900
  const [hour, minute, second] = [twoDigits(text, 11), twoDigits(text, 14), twoDigits(text, 17)];
  const [offset, end] = readOffset(text);
  const seconds = date / 1000 + hour * 3600 + minute * 60 + second - offset;
  // A leap second (23:59:60 UTC) is the second that follows it, as in POSIX.
  const leapSecond = second === 60 && seconds % 86_400 === 0;
  if (hour > 23 || minute > 59 || (second > 59 && !leapSecond) || Number.isNaN(offset)) {
    throw new TrackingError('invalid', `names a time of day that does not exist: ${text.slice(11)}`);
  }
  const fraction =
    leapSecond || end <= FRACTION ? 0 : Number(text.slice(FRACTION, Math.min(end, FRACTION + 9)).padEnd(9, '0'));
  return inRange(BigInt(seconds) * SECOND + BigInt(fraction));
}

/** Where the digits of a fraction begin, behind the point. */
const FRACTION = 20;

/** The seconds that the text's clock is ahead of UTC, not a number for an offset that no clock has, and where it stands. */
function readOffset(text: string): [offset: number, end: number] {
  const last = text.charAt(text.length - 1);
  if (last === 'Z' || last === 'z') return [0, text.length - 1];
  const start = text.length - 6;
  const sign = start >= FRACTION - 1 ? text.charAt(start) : '';
  if (sign !== '+' && sign !== '-') return [0, text.length];
  const [hours, minutes] = [twoDigits(text, start + 1), twoDigits(text, start + 4)];
  if (hours > 23 || minutes > 59) return [Number.NaN, start];
  return [(sign === '-' ? -60 : 60) * (hours * 60 + minutes), start];
}

const ZERO = '0'.charCodeAt(0);

function twoDigits(text: string, index: number): number {
  return (text.charCodeAt(index) - ZERO) * 10 + text.charCodeAt(index + 1) - ZERO;
}

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysInMonth(year: number, month: number): number {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && leap ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
}

/**
 * Reads a number of UNIX seconds; fractions are taken as they are written (1605179400.123 is 123 ms, although no
 * binary float is exactly that).
 * @throws TrackingError `invalid` outside the range that can be stored
 */
export function parseUnixSeconds(seconds: number): Nanoseconds {
  if (!Number.isFinite(seconds) || Math.abs(seconds) > 1e10) {
    const hint = Math.abs(seconds) < 1e14 ? ' (these look like milliseconds: divide by 1000)' : '';
    throw new TrackingError('invalid', `must be UNIX seconds ${RANGE}${hint}`);
  }
  if (Number.isInteger(seconds)) return inRange(BigInt(seconds) * SECOND);
  const text = String(seconds);
  const [whole = '0', fraction = ''] = (text.includes('e') ? seconds.toFixed(9) : text).split('.');
  const nanoseconds = BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return inRange(BigInt(whole) * SECOND + (seconds < 0 ? -nanoseconds : nanoseconds));
}

/**
 * The time, where it can be stored.
 * @throws TrackingError `invalid` outside of that
 */
export function inRange(time: Nanoseconds): Nanoseconds {
  if (time < MIN_TIME || time >= END_OF_TIME) throw outOfRange();
  return time;
}

function outOfRange(): TrackingError {
  return new TrackingError('invalid', `must lie in the days ${RANGE}`);
}

/** The time of the system clock, in whole milliseconds. */
export function now(): Nanoseconds {
  return BigInt(Date.now()) * MILLISECOND;
}

/** Rounds down to the whole millisecond, also before 1970. */
export function toMilliseconds(time: Nanoseconds): number {
  const quotient = time / MILLISECOND;
  return Number(time < 0n && quotient * MILLISECOND !== time ? quotient - 1n : quotient);
}

/** RFC 3339 in UTC, to the millisecond, without a fraction where it is zero: `2020-11-12T11:00:00Z`. */
export function formatTime(time: Nanoseconds): string {
  const text = new Date(toMilliseconds(time)).toISOString();
  return text.endsWith('.000Z') ? `${text.slice(0, 19)}Z` : text;
}

/** RFC 3339 in UTC with all nine digits of the nanosecond: `2020-11-12T11:00:00.000000001Z`. */
export function formatNanoseconds(time: Nanoseconds): string {
  const milliseconds = toMilliseconds(time);
  const finer = Number(time - BigInt(milliseconds) * MILLISECOND);
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${String(1_000_000 + finer).slice(1)}Z`;
}
