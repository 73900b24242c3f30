import type { Aggregation } from '../aggregation.js';
import type { WindowAggregate, WindowedQuestion } from '../store.js';
import { literal, type Columns, type Statement } from './rows.js';
import { amongSeries, type StoredSeries, tagOf } from './series.js';
import { startsOf, windowSql } from './windows.js';

/** A statement that aggregates, and what turns its rows into windows. */
export interface AggregateStatement extends Statement {
  readonly read: (columns: Columns) => Generator<WindowAggregate>;
}

/**
 * SQL for a question about these series, or nothing where no row can answer it. A single pass makes all aggregates.
 * @param scale - the deviation is that of the values times this, divided by it again
 */
export function aggregateStatement(
  { selection: { tsMin, tsMax }, windows, aggregations, groupBy }: WindowedQuestion,
  series: readonly StoredSeries[],
  scale: number,
): AggregateStatement | undefined {
  const window = windowSql(windows);
  if (window === undefined || series.length === 0) return undefined;
  const { from, until } = window;
  const groups = groupBy === undefined ? undefined : groupsBy(groupBy, series);
  const among = groups ? { condition: 'true', lists: groups.lists } : amongSeries(series);
  const { inner, outer } = columnsOf(aggregations, scale);
  const range = [
    `time >= ${literal(tsMin !== undefined && tsMin > from ? tsMin : from)}`,
    `time < ${literal(tsMax !== undefined && tsMax < until ? tsMax : until)}`,
  ];
  const sql = `
    SELECT "group", "window", ${outer.join(', ')}
    FROM (
      SELECT ${groups ? 'member."group"' : '0'} AS "group", ${window.index} AS "window", ${inner.join(', ')}
      FROM points ${groups?.join ?? ''} ${window.join}
      WHERE ${[...range, among.condition].join(' AND ')}
      GROUP BY 1, 2
    )
    ORDER BY 1, 2`;
  const values = groups?.values ?? [undefined];
  return { sql, lists: { ...window.lists, ...among.lists }, read: reader(windows, values) };
}

function reader(windows: WindowedQuestion['windows'], groups: readonly (string | undefined)[]) {
  const startOf = startsOf(windows);
  return function* ([group = [], window = [], ...values]: Columns): Generator<WindowAggregate> {
    for (let row = 0; row < window.length; row++) {
      yield {
        group: groups[Number(group[row])],
        start: startOf(Number(window[row])),
        values: values.map((column) => finite(column[row])),
      };
    }
  };
}

/** A sum may be greater than any number that JavaScript knows. */
function finite(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The values of a tag key in order, and SQL that gives each row the number of its own. */
export function groupsBy(key: string, series: readonly StoredSeries[]) {
  const valueOf = ({ series: { tags } }: StoredSeries): string | undefined => tagOf(tags, key);
  const present = [...new Set(series.map(valueOf))].filter((value) => value !== undefined).sort();
  const values: readonly (string | undefined)[] = [undefined, ...present];
  const numbers = new Map(values.map((value, number) => [value, number]));
  return {
    values,
    join: 'JOIN (SELECT unnest($series) AS series, unnest($groups) AS "group") AS member USING (series)',
    lists: { series: series.map(({ id }) => id), groups: series.map((one) => numbers.get(valueOf(one)) ?? 0) },
  };
}

/** What is made from the rows of a window, and what is read from that: all quantiles come from one sorting. */
function columnsOf(aggregations: readonly Aggregation[], scale: number): { inner: string[]; outer: string[] } {
  const quantiles: number[] = [];
  const inner: string[] = [];
  const outer = aggregations.map((aggregation, index) => {
    const sql = plainSql(aggregation, scale);
    if (sql === undefined) {
      quantiles.push(aggregation === 'median' ? 0.5 : Number(aggregation.slice(1)) / 100);
      return `quantiles[${String(quantiles.length)}]`;
    }
    inner.push(`${sql} AS a${String(index)}`);
    return `a${String(index)}`;
  });
  if (quantiles.length > 0) inner.push(`quantile_cont(value, [${quantiles.join(', ')}]) AS quantiles`);
  return { inner, outer };
}

function plainSql(aggregation: Aggregation, scale: number): string | undefined {
  switch (aggregation) {
    // Kahan's summation: as exact as the numbers, in whatever order they come.
    case 'avg':
      return 'favg(value)';
    case 'sum':
      return 'fsum(value)';
    case 'min':
      return 'min(value)';
    case 'max':
      return 'max(value)';
    case 'count':
      return 'count(*)::DOUBLE';
    case 'first':
      return 'arg_min(value, time)';
    case 'last':
      return 'arg_max(value, time)';
    case 'stddev':
      return scale === 1 ? 'stddev_samp(value)' : `stddev_samp(value * ${String(scale)}) / ${String(scale)}`;
    default:
      return undefined;
  }
}
