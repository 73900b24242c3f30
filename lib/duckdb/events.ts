import type { EventsQuery } from '../aggregation.js';
import type { StoredEvent } from '../store.js';
import { literal, type Columns } from './rows.js';
import { extentOf, type SeriesCatalog, seriesById } from './series.js';
import { type Ask, later, rowsIn, Slices } from './slices.js';

/** Rows in a slice, more or less. Sorting a slice takes as much memory as it has rows. */
const SLICE = 16_384;

/**
 * Events in order of time, slice of time by slice of time: neither we nor DuckDB hold more than a slice, a slow
 * consumer holds nothing between two of them, and rows that lie in time order are each read once. (1 M of 3 M rows:
 * 1.5 s, where one LIMIT after the other takes 30 and one ORDER BY takes 500 MB.)
 */
export async function* eventsOf(query: EventsQuery, catalog: SeriesCatalog, ask: Ask): AsyncGenerator<StoredEvent> {
  const series = catalog.select(query.selection);
  const extent = extentOf(series);
  if (extent === undefined) return;
  const { tsMin, tsMax } = query.selection;
  let from = later(extent.first, later(tsMin ?? extent.first, query.from?.time ?? extent.first));
  const until = tsMax === undefined || tsMax > extent.last ? extent.last + 1n : tsMax;
  let skip = from === query.from?.time ? query.from.skip : 0;
  let left = query.limit ?? 2 ** 52;
  const slices = new Slices(series, ask, until);
  const read = reader(seriesById(series));
  while (left > 0 && from < until) {
    const end = await slices.endOf(from, Math.min(SLICE, left + skip));
    if (end === undefined) return;
    const { sql, lists } = rowsIn('time, series, value', series, from, end);
    for await (const columns of ask({ sql: `${sql} LIMIT ${literal(left)} OFFSET ${literal(skip)}`, lists })) {
      left -= columns[0]?.length ?? 0;
      yield* read(columns);
    }
    skip = 0;
    from = end;
  }
}

function reader(seriesOf: ReturnType<typeof seriesById>) {
  return function* ([times = [], ids = [], values = []]: Columns): Generator<StoredEvent> {
    for (let row = 0; row < times.length; row++) {
      const { tags } = seriesOf(ids[row] as number);
      yield { time: times[row] as bigint, value: values[row] as number, tags };
    }
  };
}
