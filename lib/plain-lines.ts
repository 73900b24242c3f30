import { ITSELF, type Point, SAMPLE, type Series } from './event.js';
import type { KnownSeries, SeriesFields } from './known-series.js';
import { refuseTooManyFields } from './line-limits.js';
import { booleanOf, numberOf } from './line-values.js';
import { END_OF_TIME, MIN_TIME, type Nanoseconds } from './time.js';

/** A point while its line is read: its time stands last. */
export type UnstampedPoint = { -readonly [Key in keyof Point]: Point[Key] };

const SPACE = 32;
const COMMA = 44;
const DOT = 46;
/** Names of no more characters than this are never too long together. */
const MAX_NAME = 10_000;
/** Up to so many digits a double holds exactly, and dividing it by a power of ten rounds once, as it should. */
const EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

/**
 * Reads lines that neither quote nor escape in one go, with the series of their first words and their fields looked up.
 * Whatever is not plain, or not right, is left to the other files.
 */
export class PlainLines {
  /** What the lines stand in. */
  text = '';
  /** The timestamp that was read last: lines that were taken together have the same. */
  private timestamp = '';
  private time: Nanoseconds = 0n;
  /** What `readNumber` has read. */
  private value = 0;

  /**
   * @param points - where those of the lines go
   * @param unit - nanoseconds that a timestamp counts
   * @param receivedAt - the time of lines that bring none
   */
  constructor(
    private readonly points: UnstampedPoint[],
    private readonly known: KnownSeries,
    private readonly unit: bigint,
    private readonly receivedAt: Nanoseconds,
  ) {}

  /** @returns false where the line has something that is not plain; some of its points may be there all the same */
  read(start: number, end: number): boolean {
    const { text, points } = this;
    const space = text.indexOf(' ', start);
    if (space <= start || space >= end || space > start + MAX_NAME || text.charCodeAt(start) <= SPACE) return false;
    const fields = this.known.find(text.slice(start, space));
    if (fields === undefined) return false;
    const first = points.length;
    let at = space;
    for (let index = 0; at === space || text.charCodeAt(at) === COMMA; index++) {
      at = this.readField(fields, index, at + 1, end);
      if (at < 0) return false;
    }
    if (at < end) return this.stampPlain(first, at, end);
    this.stamp(first, undefined);
    return true;
  }

  /** Reads FIELD=VALUE, and gives where it ends; a negative number where it is not plain. */
  private readField(fields: SeriesFields, index: number, start: number, end: number): number {
    const { text } = this;
    const expected = fields.order[index];
    let at = start;
    let series: Series;
    if (expected !== undefined && text.startsWith(expected.text, start)) {
      at += expected.text.length;
      ({ series } = expected);
    } else {
      const equals = text.indexOf('=', start);
      if (equals < 0 || equals >= end || equals > start + MAX_NAME) return -1;
      const key = text.slice(start, equals);
      if (text.charCodeAt(start) <= SPACE || key === '' || key.includes(' ') || key.includes(',')) return -1;
      series = this.known.seriesOf(fields, key, key, index);
      at = equals + 1;
    }
    at = this.readNumber(at, end);
    if (at < 0) return at;
    this.take(series, this.value);
    return at;
  }

  /** Adds a point whose time is not read yet. Zero has no sign. */
  take(series: Series, value: number): void {
    this.points.push({ series, time: 0n, value: value === 0 ? 0 : value, identity: ITSELF });
    refuseTooManyFields(this.points.length);
  }

  /** Reads a number or a boolean into `value`, and gives where it ends; a negative number where it is not plain. */
  private readNumber(start: number, end: number): number {
    const { text } = this;
    let at = start;
    const negative = text[at] === '-';
    if (negative) at++;
    let digits = 0;
    let dot = -1;
    let number = 0;
    let code = 0;
    for (; at < end; at++) {
      code = text.charCodeAt(at);
      const digit = code - 48;
      if (digit >= 0 && digit <= 9) {
        number = number * 10 + digit;
        digits++;
      } else if (code === DOT && dot < 0) dot = at;
      else break;
    }
    const ended = at >= end || code === COMMA || code === SPACE;
    if (!ended || digits === 0 || digits > EXACT_DIGITS) return this.readToken(start, at, end);
    if (dot >= 0) number /= POWERS_OF_TEN[at - dot - 1] ?? 1;
    this.value = negative ? -number : number;
    return at;
  }

  private readToken(start: number, from: number, end: number): number {
    const { text } = this;
    let at = from;
    for (; at < end; at++) {
      const code = text.charCodeAt(at);
      if (code === COMMA || code === SPACE) break;
    }
    const token = text.slice(start, at);
    const value = numberOf(token) ?? booleanOf(token);
    if (value === undefined) return -1;
    this.value = value;
    return at;
  }

  /** Gives the points from `first` on the time that stands there, if it is plain. */
  private stampPlain(first: number, space: number, end: number): boolean {
    const { text } = this;
    const start = space + 1;
    if (text.charCodeAt(space) !== SPACE || start >= end) return false;
    if (end - start !== this.timestamp.length || !text.startsWith(this.timestamp, start)) {
      const timestamp = text.slice(start, end);
      if (!/^-?\d{1,19}$/.test(timestamp)) return false;
      const time = BigInt(timestamp) * this.unit;
      if (time < MIN_TIME || time >= END_OF_TIME) return false;
      this.timestamp = timestamp;
      this.time = time;
    }
    this.stamp(first, this.time);
    return true;
  }

  /** Gives the points from `first` on the time of their line; where it brings none, that of receipt. */
  stamp(first: number, timestamp: Nanoseconds | undefined): void {
    const time = timestamp ?? this.receivedAt;
    const identity = timestamp === undefined ? ITSELF : SAMPLE;
    for (let index = first; index < this.points.length; index++) {
      const point = this.points[index];
      if (point === undefined) return;
      point.time = time;
      point.identity = identity;
    }
  }
}
