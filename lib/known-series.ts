import type { adoptSeries } from './adoption.js';
import type { Series } from './event.js';
import type { SeriesText } from './line-syntax.js';

/** The fields that were read of one measurement and tags. */
export interface SeriesFields {
  measurement: string;
  tags: SeriesText['tags'];
  readonly byKey: Map<string, Field>;
  /** As they stood in a line: most lines of a series have the same ones in the same order. */
  readonly order: Field[];
  /** Roughly the bytes that it takes. */
  size: number;
}

export interface Field {
  /** What it begins with in a line: its key and an equals sign. */
  readonly text: string;
  readonly series: Series;
}

/** Bytes that are kept before those that were not read again go. */
const MAX_BYTES = 16 * 2 ** 20;

/** What the objects of an entry take beside their texts. */
const ENTRY_BYTES = 400;

/**
 * The series of lines under the words that the lines begin with, so that each is taken apart and adopted once. What it
 * keeps has a bound, whatever is sent; what was used since it last grew full stays.
 */
export class KnownSeries {
  private recent = new Map<string, SeriesFields>();
  private older = new Map<string, SeriesFields>();
  private recentBytes = 0;

  constructor(private readonly adopt: typeof adoptSeries) {}

  /** @param words - a line's measurement and tags as they are written */
  find(words: string): SeriesFields | undefined {
    const known = this.recent.get(words);
    if (known !== undefined) return known;
    const older = this.older.get(words);
    if (older !== undefined) this.keep(owned(words), older);
    return older;
  }

  add(words: string, { measurement, tags }: SeriesText): SeriesFields {
    const own = {
      measurement: owned(measurement),
      tags: tags.map(([key, value]) => [owned(key), owned(value)] as const),
      byKey: new Map<string, Field>(),
      order: [],
      size: ENTRY_BYTES + 3 * words.length,
    };
    this.keep(owned(words), own);
    return own;
  }

  /**
   * The series of one field.
   * @param words - its key as it is written
   * @param index - where it stands in its line
   */
  seriesOf(fields: SeriesFields, words: string, key: string, index: number): Series {
    let field = fields.byKey.get(words);
    if (field === undefined) {
      const series = this.adopt(fields.measurement, owned(key), fields.tags);
      // What was adopted is adopted as it is: its names, which may be long, are taken apart once.
      if (fields.byKey.size === 0) [fields.measurement, fields.tags] = [series.namespace, Object.entries(series.tags)];
      field = { text: owned(`${words}=`), series };
      fields.byKey.set(owned(words), field);
      const size = ENTRY_BYTES + 2 * words.length + 2 * series.key.length;
      fields.size += size;
      this.grow(size);
    }
    if (index <= fields.order.length) fields.order[index] = field;
    return field.series;
  }

  private keep(words: string, fields: SeriesFields): void {
    this.recent.set(words, fields);
    this.grow(fields.size);
  }

  private grow(bytes: number): void {
    this.recentBytes += bytes;
    if (this.recentBytes <= MAX_BYTES) return;
    this.older = this.recent;
    this.recent = new Map();
    this.recentBytes = 0;
  }
}

/** A copy: a part of a longer text would keep all of that. */
function owned(text: string): string {
  return Buffer.from(text).toString();
}
