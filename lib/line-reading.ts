import { type Mistake, TrackingError } from './errors.js';
import { MAX_MISTAKES_LISTED } from './event.js';
import type { KnownSeries } from './known-series.js';
import { readFields, unescapeFieldKey } from './line-fields.js';
import { refuseTooManyLines } from './line-limits.js';
import { badLine, quoted } from './line-mistake.js';
import type { LineReception, LinesRead } from './line-protocol.js';
import { readSeries } from './line-series.js';
import { endOfLine, endOfSeries, skipBlanks } from './line-syntax.js';
import { readTimestamp } from './line-timestamp.js';
import { PlainLines, type UnstampedPoint } from './plain-lines.js';

/** Bytes of a body that are made text at once: so much of it is in memory twice, and stays near the processor. */
const PART_BYTES = 64 * 2 ** 10;

const NEWLINE = 10;
const HASH = 35;

/** One body being read, part by part. */
export class LineReading {
  private readonly points: UnstampedPoint[] = [];
  private readonly plain: PlainLines;
  /** The part that is read, and whether nothing follows it. */
  private text = '';
  private isLast = false;
  /** Where the next of them stands in it, at or behind the line that is read. */
  private quote = -1;
  private backslash = -1;
  /** The number of the line that is read. */
  private number = 1;
  private droppedStrings = 0;
  private lines = 0;
  private bad = 0;
  private readonly mistakes: Mistake[] = [];

  /**
   * @param body - UTF-8
   * @param unit - nanoseconds that a timestamp counts
   */
  constructor(
    private readonly body: Buffer,
    private readonly unit: bigint,
    private readonly reception: LineReception,
    private readonly known: KnownSeries,
  ) {
    this.plain = new PlainLines(this.points, known, unit, reception.receivedAt);
  }

  /** @throws TrackingError as `LineProtocol.read` */
  read(): LinesRead {
    const { points, mistakes } = this;
    for (let at = 0; at < this.body.length;) at = this.readPart(at);
    if (this.bad > 0) {
      throw new TrackingError('invalid', `Nothing was stored: ${this.bad} of ${this.lines} line(s) are not right.`, {
        mistakes,
        mistakeCount: this.bad,
      });
    }
    return { points, droppedStrings: this.droppedStrings };
  }

  /** Reads some lines, at least one, and gives where the next one begins. */
  private readPart(start: number): number {
    const { body } = this;
    for (let size = PART_BYTES; ; size *= 8) {
      const newline = body.indexOf(NEWLINE, start + size);
      const end = newline < 0 ? body.length : newline + 1;
      size = end - start;
      this.text = body.toString('utf8', start, end);
      this.isLast = end === body.length;
      const read = this.readLines();
      if (read >= this.text.length) return end;
      // The newline stands inside a string, whose line goes on behind it.
      if (read > 0) return start + Buffer.byteLength(this.text.slice(0, read));
    }
  }

  /** Reads the lines of the part that end in it, and gives how many characters they have. */
  private readLines(): number {
    const { text } = this;
    this.plain.text = text;
    this.quote = this.backslash = -1;
    let start = 0;
    while (start < text.length) {
      const end = this.endOfLine(start);
      if (end === text.length && !this.isLast) break;
      if (end > start) this.readLine(start, end);
      this.number += 1 + (this.isPlain(end) ? 0 : newlinesIn(text, start, end));
      start = end + 1;
    }
    return start;
  }

  /** A newline ends a line, unless a backslash or a quote stands before it. */
  private endOfLine(start: number): number {
    const newline = nextOf(this.text, '\n', start, start - 1);
    this.quote = nextOf(this.text, '"', start, this.quote);
    this.backslash = nextOf(this.text, '\\', start, this.backslash);
    return this.isPlain(newline) ? newline : endOfLine(this.text, start, this.isLast);
  }

  /** Whether the line that is read, if it ends there, has neither. */
  private isPlain(end: number): boolean {
    return end <= this.quote && end <= this.backslash;
  }

  private readLine(start: number, end: number): void {
    if (this.text.charCodeAt(start) === HASH) return;
    const before = this.points.length;
    if (this.isPlain(end) && this.plain.read(start, end)) this.countLine();
    else {
      this.points.length = before;
      this.readOther(start, end);
    }
    // Nothing of the request is stored any more.
    if (this.bad > 0) this.points.length = 0;
  }

  private countLine(): void {
    this.lines++;
    refuseTooManyLines(this.lines);
  }

  /** Reads any line, which may be one that says nothing. */
  private readOther(start: number, end: number): void {
    const whole = this.text.slice(start, end);
    const line = whole.slice(skipBlanks(whole, 0), whole.endsWith('\n') ? -1 : undefined);
    if (skipBlanks(whole, 0) >= whole.length || line.startsWith('#')) return;
    try {
      this.readExactly(line);
    } catch (error) {
      if (!(error instanceof TrackingError) || error.code !== 'invalid') throw error;
      this.bad++;
      if (this.mistakes.length < MAX_MISTAKES_LISTED) {
        const hint = line.endsWith('\r') ? ' (lines end with a newline, without a carriage return before it)' : '';
        this.mistakes.push({ message: `line ${this.number} ${error.message}${hint}` });
      }
    }
    this.countLine();
  }

  private readExactly(line: string): void {
    const end = endOfSeries(line);
    const words = line.slice(0, Math.max(0, end));
    const series = this.known.find(words) ?? this.known.add(words, readSeries(line));
    const first = this.points.length;
    let index = 0;
    const endOfFields = readFields(line, end, (key, value) => {
      if (value === undefined) this.takeString(key);
      else this.plain.take(this.known.seriesOf(series, key, unescapeFieldKey(key), index), value);
      index++;
    });
    this.plain.stamp(first, readTimestamp(line, endOfFields, this.unit));
  }

  private takeString(key: string): void {
    if (this.reception.strings === 'drop') {
      this.droppedStrings++;
      return;
    }
    throw badLine(
      `has a field ${quoted(key)} that is a string, and events are numbers: leave it out, or let strings be dropped with ?strings=drop`,
    );
  }
}

/** Where the next such character stands from `start` on, if the one found before it is passed; else the text's length. */
function nextOf(text: string, character: string, start: number, found: number): number {
  if (found >= start) return found;
  const at = text.indexOf(character, start);
  return at < 0 ? text.length : at;
}

function newlinesIn(text: string, start: number, end: number): number {
  let newlines = 0;
  for (let at = text.indexOf('\n', start); at >= 0 && at < end; at = text.indexOf('\n', at + 1)) newlines++;
  return newlines;
}
