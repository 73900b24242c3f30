import { type Identity, ITSELF, type Point, SAMPLE } from '../event.js';
import type { PointsQuery } from '../store.js';
import type { Columns } from './rows.js';
import { extentOf, type SeriesCatalog, seriesById } from './series.js';
import { type Ask, later, rowsIn, Slices } from './slices.js';

/** Rows in a slice, more or less: to count the rows of the next one costs as much as to read some thousand. */
const SLICE = 65_536;

/** All points that a query is about as they lie in the file, in order of time, slice of time by slice of time. */
export async function* pointsOf(
  { includes, from, to }: PointsQuery,
  catalog: SeriesCatalog,
  ask: Ask,
): AsyncGenerator<readonly Point[]> {
  const series = catalog.all.filter(
    ({ series: { namespace, name }, first, last }) =>
      (from === undefined || last >= from) &&
      (to === undefined || first < to) &&
      (includes === undefined || includes(namespace, name)),
  );
  const extent = extentOf(series);
  if (extent === undefined) return;
  const until = to === undefined || to > extent.last ? extent.last + 1n : to;
  const slices = new Slices(series, ask, until);
  const read = reader(seriesById(series));
  for (let start = later(extent.first, from ?? extent.first); start < until;) {
    const end = await slices.endOf(start, SLICE);
    if (end === undefined) return;
    for await (const columns of ask(rowsIn('time, series, value, fingerprint', series, start, end))) {
      yield read(columns);
    }
    start = end;
  }
}

function reader(seriesOf: ReturnType<typeof seriesById>) {
  return ([times = [], ids = [], values = [], fingerprints = []]: Columns): Point[] =>
    times.map((time, row) => ({
      series: seriesOf(ids[row] as number),
      time: time as bigint,
      value: values[row] as number,
      identity: identityOf(fingerprints[row] as bigint | null),
    }));
}

function identityOf(fingerprint: bigint | null): Identity {
  if (fingerprint === null) return ITSELF;
  return fingerprint === 0n ? SAMPLE : { kind: 'id', fingerprint, placed: true };
}
