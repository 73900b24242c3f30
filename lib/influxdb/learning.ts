import { type Series, type Tags, seriesOf } from '../event.js';
import { END_OF_TIME, MILLISECOND } from '../time.js';
import type { FieldTypes } from './field-types.js';
import { type Flux, ALL_TIME, matching, numbers, points, type Range, script, textOf, within } from './flux.js';
import type { MissingPage } from './missing.js';
import { readMoment } from './moments.js';
import { nameOf, tagKeyOf } from './names.js';
import { DAY_LEVEL, MAX_POINTS_PER_PAGE, type Occupancy, PAGE_LENGTHS, type SeriesTimes, pageOf } from './occupancy.js';
import { MILLISECOND_CAPACITY, type Page } from './page.js';
import type { Reader } from './reader.js';
import { type Row, type Table, cellOf, fingerprintIn } from './rows.js';

/** Flux's own columns; all others of a table are tags. */
const OWN = new Set(['_start', '_stop', '_time', '_value', '_field', '_measurement']);

/** Asks InfluxDB which times of a series are taken. */
export class Learning {
  constructor(
    private readonly reader: Reader,
    private readonly bucket: string,
    private readonly types: FieldTypes,
  ) {}

  /** For each series with points at or after a time, the millisecond after the last of them. */
  async pointsSince(milliseconds: number): Promise<Map<string, number>> {
    const ahead = new Map<string, number>();
    const start = BigInt(milliseconds) * MILLISECOND;
    if (start >= END_OF_TIME) return ahead;
    const all = { start, end: END_OF_TIME };
    const values = script`filter(fn: (r) => r._field == "value")`;
    const note = async (data: Flux): Promise<void> => {
      for await (const row of this.reader.rows(script`${data} |> last()`)) {
        const series = seriesOfRow(row);
        if (series === undefined) continue;
        const next = readMoment(cellOf(row, '_time')).milliseconds + 1;
        ahead.set(series.key, Math.max(next, ahead.get(series.key) ?? next));
      }
    };
    await note(script`${points(this.bucket, all)} |> ${values}`);
    for (const measurement of await this.types.mixedMeasurements()) {
      const its = script`${values} |> filter(fn: (r) => r._measurement == ${textOf(measurement)})`;
      for (const stretch of await this.types.stretches(nameOf(measurement), all, 'fresh')) {
        await note(script`${points(this.bucket, stretch)} |> ${its}`);
      }
    }
    return ahead;
  }

  /**
   * Cuts what is unknown of some series of one namespace and name down to the time between their first and last point.
   */
  async narrow(several: readonly SeriesTimes[]): Promise<void> {
    const [one] = several;
    if (one === undefined) return;
    // One by one they would cost a question each, and a load of old events brings hundreds of series at once.
    const data = script`${points(this.bucket, ALL_TIME)} |> ${several.length === 1 ? exactly(one.series) : ofKind(one.series)}`;
    const [firsts, lasts] = await Promise.all([
      this.edges(script`${data} |> first()`),
      this.edges(script`${data} |> last()`),
    ]);
    const mixed = await this.types.isMixed(one.series.namespace);
    for (const times of several) {
      times.narrowed = true;
      if (mixed) {
        times.keepWithinDays();
        continue;
      }
      times.unknown.narrow(firsts.get(times.series.key) ?? Infinity, (lasts.get(times.series.key) ?? -Infinity) + 1);
    }
  }

  /** Learns a page, or the longest around its time that is not too full. */
  async learn(occupancy: Occupancy, { times, milliseconds, level: longest }: MissingPage): Promise<void> {
    times.shortenAt(milliseconds);
    for (let level = Math.min(times.level, longest); level >= 0; level--) {
      const page = pageOf(level, milliseconds);
      const range = rangeOfPage(page);
      // Another program may have come since.
      const stretches = await this.types.stretches(times.series.namespace, range, 'fresh');
      if (level > DAY_LEVEL && !isWhole(stretches, range)) {
        times.keepWithinDays();
        continue;
      }
      if (!(await this.fill(page, stretches, times.series))) {
        times.longest = level - 1;
        continue;
      }
      occupancy.learn(times, level, page);
      const longer = (PAGE_LENGTHS[level + 1] ?? Infinity) / (PAGE_LENGTHS[level] ?? 1);
      const sparse = page.size * longer <= MAX_POINTS_PER_PAGE / 2;
      occupancy.prefer(times, sparse ? level + 1 : level);
      return;
    }
  }

  private async edges(query: Flux): Promise<Map<string, number>> {
    const edges = new Map<string, number>();
    for await (const row of this.reader.rows(query)) {
      const series = seriesOfRow(row);
      if (series) edges.set(series.key, readMoment(cellOf(row, '_time')).milliseconds);
    }
    return edges;
  }

  /** Notes all points of a series in a page. @returns false where there are too many for its length */
  private async fill(page: Page, stretches: readonly Range[], series: Series): Promise<boolean> {
    const range = rangeOfPage(page);
    const most = page.end - page.start === 1 ? Infinity : MAX_POINTS_PER_PAGE;
    // Each with its one column: a day of 86,400 points takes half as long as with all of them.
    const [times, ids] = await Promise.all([
      this.column(series, numbers(this.bucket, range, stretches, exactly(series)), '_time', most, (text) => {
        const { milliseconds, nanoseconds } = readMoment(text);
        page.take((milliseconds - page.start) * MILLISECOND_CAPACITY + nanoseconds);
      }),
      this.column(series, script`${points(this.bucket, range)} |> ${exactly(series, 'id')}`, '_value', most, (text) => {
        const fingerprint = fingerprintIn(text);
        if (fingerprint !== undefined) page.remember(fingerprint);
      }),
    ]);
    return times && ids;
  }

  /** Reads one column of a series' points. @returns false where there are more than so many */
  private async column(
    series: Series,
    data: Flux,
    label: '_time' | '_value',
    most: number,
    note: (text: string) => void,
  ): Promise<boolean> {
    const limit = most === Infinity ? script`` : script` |> limit(n: ${most + 1})`;
    const other = label === '_time' ? '_value' : '_time';
    const dropped = script`drop(columns: ["_start", "_stop", "_measurement", "_field", "name", ${textOf(other)}])`;
    let count = 0;
    let table: Table | undefined;
    let ours = false;
    for await (const batch of this.reader.batches(script`${data}${limit} |> ${dropped}`)) {
      for (const row of batch) {
        if (row.table !== table) {
          table = row.table;
          ours = hasOnlyTagsOf(table, series);
        }
        if (!ours) continue;
        count++;
        note(cellOf(row, label));
      }
      if (count > most) return false;
    }
    return true;
  }
}

function rangeOfPage({ start, end }: Page): Range {
  return within({ start: BigInt(start) * MILLISECOND, end: BigInt(end) * MILLISECOND }, ALL_TIME);
}

/** Whether a range is asked for as it is. */
function isWhole([first, ...others]: readonly Range[], { start, end }: Range): boolean {
  return first?.start === start && first.end === end && others.length === 0;
}

/** Points with all tags of the series; some may have further ones, which Flux has no words for. */
function exactly(series: Series, field?: 'id'): Flux {
  const { namespace, name } = series;
  const tags = Object.fromEntries(Object.entries(series.tags).map(([key, value]) => [key, [value]]));
  return matching({ namespace, name, tags }, field);
}

function ofKind({ namespace, name }: Series): Flux {
  return matching({ namespace, name, tags: {} });
}

function hasOnlyTagsOf(table: Table, series: Series): boolean {
  const known = new Set(Object.keys(series.tags).map(tagKeyOf));
  return table.labels.every((label) => OWN.has(label) || known.has(label) || label === 'name');
}

/** The series of a row; none where it is not one of ours (a measurement without the tag `name`). */
export function seriesOfRow(row: Row): Series | undefined {
  const namespace = cellOf(row, '_measurement');
  const name = cellOf(row, 'name');
  if (namespace === '' || name === '') return undefined;
  return seriesOf(nameOf(namespace), nameOf(name), tagsOfRow(row));
}

/** The tags of a row, without `name`. */
export function tagsOfRow({ table, cells }: Row): Tags {
  const tags: Record<string, string> = {};
  for (const label of table.labels) {
    const value = OWN.has(label) || label === 'name' ? '' : cells[table.at(label)];
    if (value !== undefined && value !== '') tags[nameOf(label)] = nameOf(value);
  }
  return tags;
}
