import type { Selection } from '../aggregation.js';
import type { LatestPoint } from '../store.js';
import { MILLISECOND, type Nanoseconds, toMilliseconds } from '../time.js';
import { groupsBy } from './aggregate.js';
import { type Columns, literal, type Statement } from './rows.js';
import { type StoredSeries, tagOf } from './series.js';
import { later } from './slices.js';

/** A statement for the last points of groups, and what reads its rows. */
export interface LatestStatement extends Statement {
  readonly read: (columns: Columns) => LatestPoint[];
}

/** SQL for `Store.latest` over series that may have points in the range, or nothing where none has the tag. */
export function latestStatement(
  { tsMin, tsMax }: Selection,
  groupBy: string,
  selected: readonly StoredSeries[],
): LatestStatement | undefined {
  const series = selected.filter((one) => tagOf(one.series.tags, groupBy) !== undefined);
  if (series.length === 0) return undefined;
  const { values, join, lists } = groupsBy(groupBy, series);
  const earliest = earliestLast(series, tsMax);
  const conditions = [`time >= ${literal(tsMin === undefined ? earliest : later(earliest, tsMin))}`];
  if (tsMax !== undefined) conditions.push(`time < ${literal(tsMax)}`);
  return {
    sql: `
      SELECT member."group", max(time), arg_max(value, time)
      FROM points ${join} WHERE ${conditions.join(' AND ')} GROUP BY 1`,
    lists,
    read: ([groups = [], times = [], latest = []]) =>
      groups.map((group, row) => ({
        group: values[Number(group)] ?? '',
        time: times[row] as bigint,
        value: latest[row] as number,
      })),
  };
}

/** From when on each of the series has its last point: mostly that is just now, and what lies before need not be read. */
function earliestLast(series: readonly StoredSeries[], tsMax: Nanoseconds | undefined): Nanoseconds {
  let earliest: Nanoseconds | undefined;
  for (const { first, last } of series) {
    const own = tsMax === undefined || last < tsMax ? last : first;
    if (earliest === undefined || own < earliest) earliest = own;
  }
  return BigInt(toMilliseconds(earliest ?? 0n)) * MILLISECOND;
}
