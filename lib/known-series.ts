import type { adoptTags, adoptText } from './adoption.js';
import { type Series, seriesByName } from './event.js';
import { Generations } from './generations.js';
import { refuseLongSeries } from './line-limits.js';
import type { SeriesText } from './line-series.js';
import { owned } from './owned-text.js';

/** How names become such as they may be here. */
export interface Adoption {
  readonly text: typeof adoptText;
  readonly tags: typeof adoptTags;
}

/** The fields that were read of one measurement and tags. */
export interface SeriesFields {
  readonly seriesOf: (name: string) => Series;
  readonly byKey: Map<string, Field>;
  /** As they stood in a line: most lines of a series have the same ones in the same order. */
  readonly order: Field[];
  /** Roughly the bytes that it takes. */
  size: number;
  /** Whether it is kept, whatever becomes of the request that is read. */
  kept: boolean;
}

export interface Field {
  /** What it begins with in a line: its key and an equals sign. */
  readonly text: string;
  readonly series: Series;
}

/** A field that the request added to a series which is kept. */
interface AddedField {
  readonly fields: SeriesFields;
  readonly words: string;
  readonly size: number;
}

/** Bytes that one request may add. */
const MAX_BYTES_ADDED = 4 * 2 ** 20;

/** What the objects of an entry take beside their texts. */
const ENTRY_BYTES = 400;

/**
 * The series of lines under the words that the lines begin with, so that each is taken apart and adopted once. What it
 * keeps has a bound, whatever is sent; what was used since it last grew full stays. Requests are read one after the
 * other: what one adds is kept when it was right, so that a refused one leaves nothing and displaces nothing.
 */
export class KnownSeries {
  private readonly known = new Generations<SeriesFields>();
  private added = new Map<string, SeriesFields>();
  private addedFields: AddedField[] = [];
  private addedBytes = 0;
  /** Characters of the series that the request made, kept or not. */
  private characters = 0;

  constructor(private readonly adopt: Adoption) {}

  /** @param words - a line's measurement and tags as they are written */
  find(words: string): SeriesFields | undefined {
    const known = this.known.findRecent(words) ?? this.added.get(words);
    if (known !== undefined) return known;
    const older = this.known.findOlder(words);
    if (older !== undefined) this.known.keep(owned(words), older, older.size);
    return older;
  }

  add(words: string, { measurement, tags }: SeriesText): SeriesFields {
    const namespace = this.adopt.text(owned(measurement));
    const own = {
      seriesOf: seriesByName(namespace, this.adopt.tags(tags.map(([key, value]) => [owned(key), owned(value)]))),
      byKey: new Map<string, Field>(),
      order: [],
      size: ENTRY_BYTES + 3 * words.length,
      kept: false,
    };
    if (this.hasRoom) {
      this.added.set(owned(words), own);
      this.addedBytes += own.size;
    }
    return own;
  }

  /**
   * The series of one field.
   * @param words - its key as it is written
   * @param index - where it stands in its line
   * @throws TrackingError `too-large` where the request makes more of them than it may
   */
  seriesOf(fields: SeriesFields, words: string, key: string, index: number): Series {
    const field = fields.byKey.get(words) ?? this.addField(fields, words, key);
    // What is not kept, or stands in the line before, teaches nothing.
    if (index <= fields.order.length && index < fields.byKey.size) fields.order[index] = field;
    return field.series;
  }

  private addField(fields: SeriesFields, words: string, key: string): Field {
    const series = fields.seriesOf(this.adopt.text(owned(key)));
    this.characters += series.key.length;
    refuseLongSeries(this.characters);
    const field = { text: owned(`${words}=`), series };
    if (this.hasRoom) {
      const size = ENTRY_BYTES + 2 * words.length + 2 * series.key.length;
      fields.byKey.set(owned(words), field);
      fields.size += size;
      if (fields.kept) this.addedFields.push({ fields, words: owned(words), size });
      this.addedBytes += size;
    }
    return field;
  }

  private get hasRoom(): boolean {
    return this.addedBytes < MAX_BYTES_ADDED;
  }

  /** Keeps what the request added: it was right. */
  keepAdded(): void {
    for (const { size } of this.addedFields) this.known.grow(size);
    for (const [words, fields] of this.added) {
      fields.kept = true;
      this.known.keep(words, fields, fields.size);
    }
    this.addedFields = [];
    this.forgetAdded();
  }

  /** Forgets what the request added. */
  forgetAdded(): void {
    if (this.characters === 0 && this.addedBytes === 0) return;
    for (const { fields, words, size } of this.addedFields) {
      fields.byKey.delete(words);
      fields.order.length = 0;
      fields.size -= size;
    }
    this.added = new Map();
    this.addedFields = [];
    this.addedBytes = 0;
    this.characters = 0;
  }
}
