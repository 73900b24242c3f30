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
const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))?$/;

/**
 * Reads an RFC 3339 date-time; without an offset it is UTC. Digits finer than a nanosecond are dropped.
 * @throws TrackingError `invalid`, saying what is wrong with the text
 */
export function parseDateTime(text: string): Nanoseconds {
  const match = DATE_TIME.exec(text);
  if (match === null) {
    throw new TrackingError(
      'invalid',
      'must be an RFC 3339 date-time such as 2020-11-12T11:10:00Z, or a number of UNIX seconds',
    );
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const [fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match.slice(7);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    throw new TrackingError('invalid', `names a day that does not exist: ${text.slice(0, 10)}`);
  }
  const offset = (Number(offsetHour) * 60 + Number(offsetMinute)) * 60 * (sign === '-' ? -1 : 1);
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  // A leap second (23:59:60 UTC) is the second that follows it, as in POSIX.
  const leapSecond = second === 60 && seconds % 86_400 === 0;
  if (
    hour > 23 ||
    minute > 59 ||
    (second > 59 && !leapSecond) ||
    Number(offsetHour) > 23 ||
    Number(offsetMinute) > 59
  ) {
    throw new TrackingError('invalid', `names a time of day that does not exist: ${text.slice(11)}`);
  }
  const nanoseconds = leapSecond ? 0n : BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return inRange(BigInt(seconds) * SECOND + nanoseconds);
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

function inRange(time: Nanoseconds): Nanoseconds {
  if (time < MIN_TIME || time >= END_OF_TIME) throw new TrackingError('invalid', `must lie in the days ${RANGE}`);
  return time;
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
