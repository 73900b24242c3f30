import type { DuckDBConnection } from '@duckdb/node-api';
import type { Selection } from '../aggregation.js';
import type { Extent } from '../store.js';
import { END_OF_TIME, MILLISECOND, MIN_TIME, type Nanoseconds, toMilliseconds } from '../time.js';
import { bindings, type Columns, rowsOf, type Statement } from './rows.js';
import { amongSeries, extentOf, type SeriesCatalog, type StoredSeries } from './series.js';
import { inRange, later, Slices } from './slices.js';

/** Rows that one transaction deletes, more or less: 30 ms, and 2 MB of log. */
const STEP = 262_144;

const WHOLE_TIME = END_OF_TIME - MIN_TIME;

/** A series that lost points: what is left of it, or nothing. */
interface Loss {
  readonly stored: StoredSeries;
  readonly count: number;
  readonly left: Extent | undefined;
}

/**
 * The earliest of the selected points, deleted in the transaction under way, and what becomes true once that is
 * committed.
 *
 * DuckDB marks the rows and takes them out at its next checkpoints: groups of rows that are empty go, and those that
 * became small are merged. The file keeps its length, and what is written next fills it again: with 500,000 points a day,
 * of which the oldest day is deleted each day, it had 77 MB after 12 days and 76 after 40; of 5 M points half were
 * deleted, 2.5 M others written, and it stayed at 109 MB.
 */
export class Deletion {
  private constructor(
    private readonly losses: readonly Loss[],
    private readonly catalog: SeriesCatalog,
  ) {}

  /** @returns nothing where no point is selected */
  static async ofEarliest(
    selection: Selection,
    catalog: SeriesCatalog,
    connection: DuckDBConnection,
  ): Promise<Deletion | undefined> {
    const series = catalog.select(selection);
    const range = await firstRange(selection, series, connection);
    if (range === undefined) return undefined;
    const { condition, lists } = amongSeries(series);
    const where = `WHERE ${inRange(range.from, range.end)} AND ${condition}`;
    const counts = await rowsOf(
      connection,
      `SELECT series, count(*)::DOUBLE FROM points ${where} GROUP BY series`,
      lists,
    );
    await connection.run(`DELETE FROM points ${where}`, ...bindings(lists));

    const counted = new Map(counts as [number, number][]);
    const touched = series.filter(({ id }) => counted.has(id));
    const left = await extentsLeft(touched, range, connection);
    const emptied = touched.filter(({ id }) => !left.has(id)).map(({ id }) => id);
    if (emptied.length > 0) {
      const ids = { series: emptied };
      await connection.run('DELETE FROM series WHERE id IN (SELECT unnest($series))', ...bindings(ids));
    }
    const losses = touched.map((stored) => ({
      stored,
      count: counted.get(stored.id) ?? 0,
      left: left.get(stored.id),
    }));
    return new Deletion(losses, catalog);
  }

  /** How many points it deletes. */
  get count(): number {
    return this.losses.reduce((sum, { count }) => sum + count, 0);
  }

  /** Tells the catalog of a deletion that is durable. */
  committed(): void {
    for (const { stored, count, left } of this.losses) {
      if (left === undefined) {
        this.catalog.remove(stored);
        continue;
      }
      stored.first = left.first;
      stored.last = left.last;
      stored.count = Math.max(1, stored.count - count);
    }
  }
}

/** Whole milliseconds. */
interface Range {
  /** Included. */
  readonly from: Nanoseconds;
  /** Excluded. */
  readonly end: Nanoseconds;
}

/**
 * Where the earliest selected points lie, about as many as one step takes. Whole milliseconds, for a series may begin or
 * end in another nanosecond of its first or last one than the catalog says: that of an event that came again moved.
 */
async function firstRange(
  { tsMin, tsMax }: Selection,
  series: readonly StoredSeries[],
  connection: DuckDBConnection,
): Promise<Range | undefined> {
  const extent = extentOf(series);
  if (extent === undefined) return undefined;
  const from = startOfMillisecond(later(extent.first, tsMin ?? extent.first));
  const until = tsMax === undefined || tsMax > extent.last ? extent.last + 1n : tsMax;
  if (from >= until) return undefined;
  async function* ask({ sql, lists }: Statement): AsyncGenerator<Columns> {
    yield (await connection.run(sql, ...bindings(lists))).getColumns();
  }
  const end = await new Slices(series, ask, until).endOf(from, STEP);
  return end === undefined ? undefined : { from, end: startOfMillisecond(end + MILLISECOND - 1n) };
}

/** By series: the extents of those that still have points, all of which had some in the range. */
async function extentsLeft(
  touched: readonly StoredSeries[],
  range: Range,
  connection: DuckDBConnection,
): Promise<Map<number, Extent>> {
  const beginsBefore = ({ first }: Extent): boolean => first < range.from;
  const endsAfter = ({ last }: Extent): boolean => last >= range.end;
  const cutInFront = touched.filter((one) => !beginsBefore(one) && endsAfter(one));
  const cutAtEnd = touched.filter((one) => beginsBefore(one) && !endsAfter(one));
  const firsts = await nearest('after', range, cutInFront, connection);
  const lasts = await nearest('before', range, cutAtEnd, connection);
  const left = new Map<number, Extent>();
  for (const one of touched) {
    const first = beginsBefore(one) ? one.first : firsts.get(one.id);
    const last = endsAfter(one) ? one.last : lasts.get(one.id);
    if (first !== undefined && last !== undefined) left.set(one.id, { first, last });
  }
  return left;
}

/**
 * By series: the time nearest to a range on one side of it, looked for in ever longer stretches. Most series have one
 * close by, and to scan all that lies behind the oldest day would cost more than to delete it.
 */
async function nearest(
  side: 'before' | 'after',
  { from, end }: Range,
  series: readonly StoredSeries[],
  connection: DuckDBConnection,
): Promise<Map<number, Nanoseconds>> {
  const found = new Map<number, Nanoseconds>();
  const column = side === 'after' ? 'min(time)' : 'max(time)';
  let missing = series;
  for (let near = 0n, far = (end - from) / 16n; missing.length > 0 && near < WHOLE_TIME; near = far, far *= 4n) {
    const stretch = side === 'after' ? inRange(end + near, end + far) : inRange(from - far, from - near);
    const { condition, lists } = amongSeries(missing);
    const sql = `SELECT series, ${column} FROM points WHERE ${stretch} AND ${condition} GROUP BY series`;
    for (const [id, time] of await rowsOf(connection, sql, lists)) found.set(id as number, time as bigint);
    missing = missing.filter(({ id }) => !found.has(id));
  }
  return found;
}

function startOfMillisecond(time: Nanoseconds): Nanoseconds {
  return BigInt(toMilliseconds(time)) * MILLISECOND;
}
