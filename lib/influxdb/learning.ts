import { type Series, type Tags, seriesOf } from '../event.js';
import { END_OF_TIME, MILLISECOND } from '../time.js';
import { type Flux, ALL_TIME, matching, points, script, within } from './flux.js';
import { readMoment } from './moments.js';
import { nameOf, tagKeyOf } from './names.js';
import type { Occupancy } from './occupancy.js';
import { PAGE_LENGTHS, type SeriesTimes } from './occupancy.js';
import type { Page } from './page.js';
import type { Reader } from './reader.js';
import { type Row, type Table, cellOf } from './rows.js';

/** More points than this are not read for one page: the next shorter length is asked for instead. */
const MAX_POINTS_PER_PAGE = 100_000;

/** Flux's own columns; all others of a table are tags. */
const OWN = new Set(['_start', '_stop', '_time', '_value', '_field', '_measurement']);

/** Asks InfluxDB which times of a series are taken. */
export class Learning {
  constructor(
    private readonly reader: Reader,
    private readonly bucket: string,
  ) {}

  /** For each series with points at or after a time, the millisecond after the last of them. */
  async pointsSince(milliseconds: number): Promise<Map<string, number>> {
    const ahead = new Map<string, number>();
    const start = BigInt(milliseconds) * MILLISECOND;
    if (start >= END_OF_TIME) return ahead;
    const range = points(this.bucket, { start, end: END_OF_TIME });
    const last = script`${range} |> filter(fn: (r) => r._field == "value") |> last()`;
    for await (const row of this.reader.rows(last)) {
      const series = seriesOfRow(row);
      if (series) ahead.set(series.key, readMoment(cellOf(row, '_time')).milliseconds + 1);
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
    for (const times of several) {
      times.unknown.narrow(firsts.get(times.series.key) ?? Infinity, (lasts.get(times.series.key) ?? -Infinity) + 1);
      times.narrowed = true;
    }
  }

  /** Learns a page around a time, the longest that is not too full. */
  async learn(occupancy: Occupancy, times: SeriesTimes, milliseconds: number): Promise<void> {
    for (let level = times.level; level >= 0; level--) {
      const found = await this.read(times.series, level, milliseconds);
      if (found === undefined) continue;
      occupancy.learn(times, level, milliseconds, (page) => {
        fill(page, found);
      });
      const longer = (PAGE_LENGTHS[level + 1] ?? Infinity) / (PAGE_LENGTHS[level] ?? 1);
      const sparse = found.moments.length * longer <= MAX_POINTS_PER_PAGE / 2;
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

  /** The points of a page, or nothing where there are too many for its length. */
  private async read(series: Series, level: number, milliseconds: number): Promise<Found | undefined> {
    const length = PAGE_LENGTHS[level] ?? 1;
    const start = Math.floor(milliseconds / length) * length;
    const page = { start: BigInt(start) * MILLISECOND, end: BigInt(start + length) * MILLISECOND };
    const most = level === 0 ? Infinity : MAX_POINTS_PER_PAGE;
    const limit = level === 0 ? script`` : script` |> limit(n: ${most + 1})`;
    const data = script`${points(this.bucket, within(page, ALL_TIME))} |> ${exactly(series, true)}${limit}`;
    const found: Found = { moments: [], fingerprints: [] };
    let table: Table | undefined;
    let ours = false;
    for await (const row of this.reader.rows(
      script`${data} |> drop(columns: ["_start", "_stop", "_measurement", "name"])`,
    )) {
      if (row.table !== table) {
        table = row.table;
        ours = hasOnlyTagsOf(table, series);
      }
      if (!ours) continue;
      if (cellOf(row, '_field') === 'id') found.fingerprints.push(BigInt(cellOf(row, '_value')));
      else {
        const moment = readMoment(cellOf(row, '_time'));
        found.moments.push((moment.milliseconds - start) * 1_000_000 + moment.nanoseconds);
        if (found.moments.length > most) return undefined;
      }
    }
    return found;
  }
}

interface Found {
  /** Nanoseconds after the page's start. */
  readonly moments: number[];
  readonly fingerprints: bigint[];
}

function fill(page: Page, { moments, fingerprints }: Found): void {
  for (const moment of moments) page.take(moment);
  for (const fingerprint of fingerprints) page.remember(fingerprint);
}

/** Points with all tags of the series; some may have further ones, which Flux has no words for. */
function exactly(series: Series, withIds = false): Flux {
  const { namespace, name } = series;
  const tags = Object.fromEntries(Object.entries(series.tags).map(([key, value]) => [key, [value]]));
  return matching({ namespace, name, tags }, withIds);
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
