import { adoptSeries } from './adoption.js';
import { type Mistake, TrackingError } from './errors.js';
import {
  type Identity,
  ITSELF,
  MAX_EVENTS_PER_REQUEST,
  MAX_MISTAKES_LISTED,
  type Point,
  SAMPLE,
  type Series,
} from './event.js';
import { KnownSeries, type SeriesFields } from './known-series.js';
import {
  booleanOf,
  endOfLine,
  endOfSeries,
  numberOf,
  readFields,
  readSeries,
  readTimestamp,
  skipBlanks,
  unescapeFieldKey,
} from './line-syntax.js';
import { END_OF_TIME, inRange, MIN_TIME, type Nanoseconds } from './time.js';

/** Nanoseconds of one unit of a timestamp. */
export const PRECISIONS = {
  ns: 1n,
  us: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
} as const;

export type Precision = keyof typeof PRECISIONS;

/** What becomes of fields that hold a string, which no event can. */
export type StringFields = 'refuse' | 'drop';

export interface LineReception {
  readonly precision: Precision;
  /** The time of lines that bring none. */
  readonly receivedAt: Nanoseconds;
  readonly strings: StringFields;
}

export interface LinesRead {
  /** Each field a point, in their order. */
  readonly points: readonly Point[];
  readonly droppedStrings: number;
}

/** Points that the lines of one request may become: ten fields a line. */
export const MAX_POINTS_PER_REQUEST = 10 * MAX_EVENTS_PER_REQUEST;

const HASH = 35;
const COMMA = 44;
const DOT = 46;
const SPACE = 32;
/** Up to so many digits a double holds exactly, and dividing it by a power of ten rounds once, as it should. */
const EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

/**
 * Reads line protocol, one request after another. A line without quotes and backslashes is read in one go, with the
 * series of its first words and its fields looked up; whatever is not plain, or not right, is left to `line-syntax.ts`.
 */
export class LineProtocol {
  private readonly known: KnownSeries;

  /** @param adopt - makes the series of a measurement, the key of a field, and tags */
  constructor(adopt: typeof adoptSeries = adoptSeries) {
    this.known = new KnownSeries(adopt);
  }

  /**
   * The points of a text. A line with a timestamp makes samples.
   * @throws TrackingError `invalid` with every bad line (the first 100 in words), or `too-large` where there are more
   *   than 10,000 lines, or more than 100,000 points
   */
  read(text: string, reception: LineReception): LinesRead {
    return new Reading(text, reception, this.known).read();
  }
}

/** One text being read. */
class Reading {
  private readonly points: { -readonly [Key in keyof Point]: Point[Key] }[] = [];
  private droppedStrings = 0;
  private lines = 0;
  private bad = 0;
  private readonly mistakes: Mistake[] = [];
  /** Where the next of them stands, at or behind the line that is read. */
  private quote = -1;
  private backslash = -1;
  /** The timestamp that was read last: lines that were taken together have the same. */
  private timestamp = '';
  private time: Nanoseconds = 0n;
  /** What `readNumber` has read. */
  private value = 0;
  private readonly unit: bigint;

  constructor(
    private readonly text: string,
    private readonly reception: LineReception,
    private readonly known: KnownSeries,
  ) {
    this.unit = PRECISIONS[reception.precision];
  }

  read(): LinesRead {
    const { text, points, mistakes } = this;
    for (let start = 0; start < text.length;) {
      const end = this.endOfLine(start);
      if (end > start) this.readLine(start, end);
      start = end + 1;
    }
    if (this.bad > 0) {
      throw new TrackingError('invalid', `Nothing was stored: ${this.bad} of ${this.lines} line(s) are not right.`, {
        mistakes,
        mistakeCount: this.bad,
      });
    }
    return { points, droppedStrings: this.droppedStrings };
  }

  /** A newline ends a line, unless a backslash or a quote stands before it. */
  private endOfLine(start: number): number {
    const newline = nextOf(this.text, '\n', start, start - 1);
    this.quote = nextOf(this.text, '"', start, this.quote);
    this.backslash = nextOf(this.text, '\\', start, this.backslash);
    return newline < this.quote && newline < this.backslash ? newline : endOfLine(this.text, start);
  }

  private readLine(start: number, end: number): void {
    if (this.text.charCodeAt(start) === HASH) return;
    const before = this.points.length;
    if (end < this.quote && end < this.backslash && this.readPlain(start, end)) this.countLine();
    else {
      this.points.length = before;
      this.readOther(start, end);
    }
  }

  private countLine(): void {
    this.lines++;
    if (this.lines > MAX_EVENTS_PER_REQUEST) throw tooLarge(`${MAX_EVENTS_PER_REQUEST} lines`);
    if (this.points.length > MAX_POINTS_PER_REQUEST) throw tooLarge(`${MAX_POINTS_PER_REQUEST} values`);
  }

  /** Reads a line that neither quotes nor escapes; false where it has something that is not plain, or not right. */
  private readPlain(start: number, end: number): boolean {
    const { text, points } = this;
    const space = text.indexOf(' ', start);
    if (space <= start || space >= end || text.charCodeAt(start) <= SPACE) return false;
    const fields = this.known.find(text.slice(start, space));
    if (fields === undefined) return false;
    const first = points.length;
    let at = space;
    for (let index = 0; at === space || text.charCodeAt(at) === COMMA; index++) {
      at = this.readField(fields, index, at + 1, end);
      if (at < 0) return false;
    }
    return at >= end ? this.stampReceipt(first) : this.stampPlain(first, at, end);
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
      if (equals < 0 || equals >= end) return -1;
      const key = text.slice(start, equals);
      if (text.charCodeAt(start) <= SPACE || key === '' || key.includes(' ') || key.includes(',')) return -1;
      series = this.known.seriesOf(fields, key, key, index);
      at = equals + 1;
    }
    at = this.readNumber(at, end);
    if (at >= 0) this.points.push({ series, time: 0n, value: this.value, identity: ITSELF });
    return at;
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
    this.value = negative && number !== 0 ? -number : number;
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
    this.value = value === 0 ? 0 : value;
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
    this.stamp(first, this.time, SAMPLE);
    return true;
  }

  private stampReceipt(first: number): true {
    this.stamp(first, this.reception.receivedAt, ITSELF);
    return true;
  }

  private stamp(first: number, time: Nanoseconds, identity: Identity): void {
    for (let index = first; index < this.points.length; index++) {
      const point = this.points[index];
      if (point === undefined) return;
      point.time = time;
      point.identity = identity;
    }
  }

  /** Reads any line, which may be one that says nothing. */
  private readOther(start: number, end: number): void {
    const whole = this.text.slice(start, end);
    const line = whole.slice(skipBlanks(whole, 0), whole.endsWith('\n') ? -1 : undefined);
    if (skipBlanks(whole, 0) >= whole.length || line.startsWith('#')) return;
    const before = this.points.length;
    try {
      this.readExactly(line);
    } catch (error) {
      this.points.length = before;
      if (!(error instanceof TrackingError) || error.code !== 'invalid') throw error;
      this.bad++;
      if (this.mistakes.length < MAX_MISTAKES_LISTED) {
        const hint = line.endsWith('\r') ? ' (lines end with a newline, without a carriage return before it)' : '';
        this.mistakes.push({ message: `line ${this.numberOfLine(start)} ${error.message}${hint}` });
      }
    }
    this.countLine();
  }

  private readExactly(line: string): void {
    const end = endOfSeries(line);
    const words = line.slice(0, Math.max(0, end));
    const series = this.known.find(words) ?? this.known.add(words, readSeries(line));
    const read = readFields(line, end);
    const timestamp = readTimestamp(line, read.end);
    const time = timestamp === undefined ? this.reception.receivedAt : timeOf(timestamp * this.unit);
    const identity = timestamp === undefined ? ITSELF : SAMPLE;
    read.fields.forEach(({ key, value }, index) => {
      if (value === undefined) this.takeString(key);
      else {
        const own = this.known.seriesOf(series, key, unescapeFieldKey(key), index);
        this.points.push({ series: own, time, value: value === 0 ? 0 : value, identity });
      }
    });
  }

  private takeString(key: string): void {
    if (this.reception.strings === 'drop') {
      this.droppedStrings++;
      return;
    }
    throw new TrackingError(
      'invalid',
      `has a field ${JSON.stringify(key)} that is a string, and events are numbers: leave it out, or let strings be dropped with ?strings=drop`,
    );
  }

  private numberOfLine(start: number): number {
    let number = 1;
    for (let at = this.text.indexOf('\n'); at >= 0 && at < start; at = this.text.indexOf('\n', at + 1)) number++;
    return number;
  }
}

/** Where the next such character stands from `start` on, if the one found before it is passed; else the text's length. */
function nextOf(text: string, character: string, start: number, found: number): number {
  if (found >= start) return found;
  const at = text.indexOf(character, start);
  return at < 0 ? text.length : at;
}

function timeOf(time: Nanoseconds): Nanoseconds {
  try {
    return inRange(time);
  } catch (error) {
    if (!(error instanceof TrackingError)) throw error;
    throw new TrackingError('invalid', `has a timestamp that ${error.message}: is precision what it should be?`);
  }
}

function tooLarge(limit: string): TrackingError {
  return new TrackingError('too-large', `A request may carry at most ${limit}. Send them in several.`);
}
