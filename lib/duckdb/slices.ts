import type { Nanoseconds } from '../time.js';
import { type Columns, literal, type Statement } from './rows.js';
import { amongSeries, extentOf, type StoredSeries } from './series.js';

export type Ask = (statement: Statement) => AsyncIterable<Columns>;

/** Cuts time into slices that hold about as many rows as are wanted, guessing from the slice before. */
export class Slices {
  /** Nanoseconds for one row. */
  private spacing: number;
  private readonly among: ReturnType<typeof amongSeries>;

  constructor(
    series: readonly StoredSeries[],
    private readonly ask: Ask,
    private readonly until: Nanoseconds,
  ) {
    const extent = extentOf(series) ?? { first: 0n, last: 0n };
    const count = series.reduce((sum, one) => sum + one.count, 0);
    this.spacing = Number(extent.last - extent.first) / Math.max(1, count);
    this.among = amongSeries(series);
  }

  /** Where the slice from here ends, or nothing where no row follows. */
  async endOf(from: Nanoseconds, wanted: number): Promise<Nanoseconds | undefined> {
    for (let span = this.spacing * wanted; ;) {
      const length = BigInt(Math.max(1, Math.round(span)));
      const end = from + length < this.until ? from + length : this.until;
      const count = await this.count(from, end);
      if (count <= 2 * wanted || end === from + 1n) {
        // Grows by no more than eight times: the next rows may lie closer.
        this.spacing = Number(end - from) / Math.max(count, wanted / 8);
        return count > 0 ? end : this.next(end, wanted);
      }
      span = (Number(end - from) * wanted) / count;
    }
  }

  /** Where the slice ends that begins at the first row from here on. */
  private async next(from: Nanoseconds, wanted: number): Promise<Nanoseconds | undefined> {
    const first = await this.one<bigint | null>('min(time)', from, this.until);
    return first === null ? undefined : this.endOf(first, wanted);
  }

  private count(from: Nanoseconds, until: Nanoseconds): Promise<number> {
    return this.one<number>('count(*)::DOUBLE', from, until);
  }

  private async one<T>(column: string, from: Nanoseconds, until: Nanoseconds): Promise<T> {
    const { condition, lists } = this.among;
    const sql = `SELECT ${column} FROM points WHERE ${inRange(from, until)} AND ${condition}`;
    let value: unknown;
    for await (const [rows] of this.ask({ sql, lists })) value = rows?.[0];
    return value as T;
  }
}

/** Asks for columns of the rows of a slice, in order of time and in the same order each time. */
export function rowsIn(
  columns: string,
  series: readonly StoredSeries[],
  from: Nanoseconds,
  until: Nanoseconds,
): Statement {
  const { condition, lists } = amongSeries(series);
  const sql = `
    SELECT ${columns} FROM points WHERE ${inRange(from, until)} AND ${condition}
    ORDER BY time, series, value, fingerprint`;
  return { sql, lists };
}

/** The condition that a row's time lies from one (included) to another (excluded). */
export function inRange(from: Nanoseconds, until: Nanoseconds): string {
  return `time >= ${literal(from)} AND time < ${literal(until)}`;
}

/** The later of two times. */
export function later(one: Nanoseconds, other: Nanoseconds): Nanoseconds {
  return one > other ? one : other;
}
