import { adoptTags, adoptText } from './adoption.js';
import type { Point } from './event.js';
import { type Adoption, KnownSeries } from './known-series.js';
import { LineReading } from './line-reading.js';
import type { Nanoseconds } from './time.js';

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

/**
 * Reads line protocol, one request after another. A line without quotes and backslashes is read in one go
 * (`plain-lines.ts`); whatever is not plain, or not right, is left to `line-syntax.ts` and what belongs to it.
 */
export class LineProtocol {
  private readonly known: KnownSeries;

  constructor(adopt: Adoption = { text: adoptText, tags: adoptTags }) {
    this.known = new KnownSeries(adopt);
  }

  /**
   * The points of a body. A line with a timestamp makes samples.
   * @param body - UTF-8
   * @throws TrackingError `invalid` with every bad line (the first 100 in words), or `too-large` where there are more
   *   than 10,000 lines, more than 100,000 fields, or so many of them with so many tags that they would become very much
   */
  read(body: Buffer, reception: LineReception): LinesRead {
    try {
      const read = new LineReading(body, PRECISIONS[reception.precision], reception, this.known).read();
      this.known.keepAdded();
      return read;
    } finally {
      this.known.forgetAdded();
    }
  }
}
