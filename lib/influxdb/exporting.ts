import { type Identity, ITSELF, type Point, type Series } from '../event.js';
import type { PointsQuery } from '../store.js';
import { END_OF_TIME, MIN_TIME, type Nanoseconds } from '../time.js';
import type { FieldTypes } from './field-types.js';
import { type Flux, ALL_TIME, beforeSum, eitherOf, points, type Range, script, textOf, within } from './flux.js';
import { seriesOfRow } from './learning.js';
import { readTime } from './moments.js';
import { nameOf } from './names.js';
import type { Reader } from './reader.js';
import { cellOf, fingerprintIn, groupOf, holdsNumbers, type Row } from './rows.js';
import { slicesOf } from './slices.js';

const MAX_SLICE = 100_000;
const MAX_BATCH = 5000;

/** Reads out all points: slice of time by slice of time, and in each of them series by series. */
export class Exporting {
  constructor(
    private readonly reader: Reader,
    private readonly bucket: string,
    private readonly types: FieldTypes,
  ) {}

  /** See `Store.points`. */
  async *points(
    { includes, from, to }: PointsQuery,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Point[], void, undefined> {
    const range = within({ start: from ?? MIN_TIME, end: to ?? END_OF_TIME }, ALL_TIME);
    if (range.start >= range.end) return;
    const apart = new Map<string, Nanoseconds>();
    for (const measurement of await this.types.mixedMeasurements()) apart.set(measurement, range.start);
    yield* this.together(range, apart, includes, signal);
    for (const [measurement, start] of apart) {
      yield* this.byItself(measurement, { start, end: range.end }, includes, signal);
    }
  }

  /**
   * All measurements at once, but those that hold values of several types.
   * @param apart - these measurements, and from when on they are to be read by themselves. Here those are added of which
   *   another program writes values of another type meanwhile.
   */
  private async *together(
    { start, end }: Range,
    apart: Map<string, Nanoseconds>,
    includes: PointsQuery['includes'],
    signal: AbortSignal,
  ): AsyncGenerator<readonly Point[], void, undefined> {
    for (let at = start; at < end;) {
      const others = [...apart.keys()].map((measurement) => script`r._measurement == ${textOf(measurement)}`);
      const filter = others.length === 0 ? OURS : script`${OURS} and not ${eitherOf(others)}`;
      let added: string[] = [];
      const isOfOneType = async (): Promise<boolean> => {
        added = [...(await this.types.mixedMeasurements())].filter((measurement) => !apart.has(measurement));
        return added.length === 0;
      };
      at = yield* this.read({ range: { start: at, end }, filter, isOfOneType }, includes, signal);
      for (const measurement of added) apart.set(measurement, at);
    }
  }

  /** A measurement that holds values of several types: stretch by stretch of one type each. */
  private async *byItself(
    measurement: string,
    { start, end }: Range,
    includes: PointsQuery['includes'],
    signal: AbortSignal,
  ): AsyncGenerator<readonly Point[], void, undefined> {
    const filter = script`${OURS} and r._measurement == ${textOf(measurement)}`;
    const stretchesOf = (range: Range): Promise<readonly Range[]> =>
      this.types.stretches(nameOf(measurement), range, 'fresh');
    const isOfOneType = async (range: Range): Promise<boolean> => (await stretchesOf(range)).length <= 1;
    for (let at = start; at < end;) {
      const stretches = await stretchesOf({ start: at, end });
      at = end;
      for (const stretch of stretches) {
        const done = yield* this.read({ range: stretch, filter, isOfOneType }, includes, signal);
        if (done === stretch.end) continue;
        at = done;
        break;
      }
    }
  }

  /**
   * Slice by slice, as long as all that was read since the slice before turns out to be of one type: of several InfluxDB
   * leaves out points without a word.
   * @returns the end of what was read
   */
  private async *read(
    { range, filter, isOfOneType }: Part,
    includes: PointsQuery['includes'],
    signal: AbortSignal,
  ): AsyncGenerator<readonly Point[], Nanoseconds, undefined> {
    let done = range.start;
    const included = includes === undefined ? filter : await this.included(includes, range, filter, signal);
    if (included !== undefined) {
      for await (const slice of slicesOf(range, MAX_SLICE, (slice) => this.countIn(slice, included, signal))) {
        // The values first: whoever has seen one finds its id, however many are written meanwhile.
        const values = await this.valuesOf(slice, included, signal);
        const ids = await this.idsOf(slice, included, signal);
        if (!(await isOfOneType({ start: done, end: slice.end }))) return done;
        for (let start = 0; start < values.length; start += MAX_BATCH) {
          yield values.slice(start, start + MAX_BATCH).map((value) => pointOf(value, ids));
        }
        done = slice.end;
      }
    }
    return (await isOfOneType({ start: done, end: range.end })) ? range.end : done;
  }

  /** What says whether a row belongs to a name that is asked for; nothing where none is. */
  private async included(
    includes: NonNullable<PointsQuery['includes']>,
    range: Range,
    filter: Flux,
    signal: AbortSignal,
  ): Promise<Flux | undefined> {
    const conditions: Flux[] = [];
    for (const [measurement, names] of await this.names(range, filter, signal)) {
      const asked = [...names].filter((name) => includes(nameOf(measurement), nameOf(name)));
      if (asked.length === 0) continue;
      const those = eitherOf(asked.map((name) => script`r["name"] == ${textOf(name)}`));
      // Few words where all are asked for: with thousands of them InfluxDB is slow.
      const named = asked.length === names.size ? script`exists r["name"]` : those;
      conditions.push(script`(r._measurement == ${textOf(measurement)} and ${named})`);
    }
    return conditions.length === 0 ? undefined : eitherOf(conditions);
  }

  /** The names of each measurement, as InfluxDB spells them. */
  private async names(range: Range, filter: Flux, signal: AbortSignal): Promise<Map<string, Set<string>>> {
    const names = new Map<string, Set<string>>();
    const values = script`${points(this.bucket, range)} |> filter(fn: (r) => r._field == "value" and ${filter})`;
    const query = script`${values} |> first() |> keep(columns: ["_measurement", "name"])`;
    for await (const row of this.reader.rows(query, signal)) {
      const measurement = cellOf(row, '_measurement');
      const its = names.get(measurement) ?? new Set();
      names.set(measurement, its.add(cellOf(row, 'name')));
    }
    return names;
  }

  private async countIn(slice: Range, included: Flux, signal: AbortSignal): Promise<number> {
    const data = this.field('value', slice, included);
    let count = 0;
    for await (const row of this.reader.rows(script`${data}${beforeSum(slice)} |> count()`, signal)) {
      count += Number(cellOf(row, '_value'));
    }
    return count;
  }

  private async valuesOf(slice: Range, included: Flux, signal: AbortSignal): Promise<Value[]> {
    const values: Value[] = [];
    const groups = new Groups();
    for await (const rows of this.reader.unhurried(this.field('value', slice, included), signal)) {
      for (const row of rows) {
        groups.isNew(row);
        const { series } = groups;
        if (series === undefined || !holdsNumbers(row.table)) continue;
        const value = Number(cellOf(row, '_value'));
        if (Number.isFinite(value)) values.push({ series, time: cellOf(row, '_time'), value });
      }
    }
    return values;
  }

  private async idsOf(slice: Range, included: Flux, signal: AbortSignal): Promise<Map<string, Ids>> {
    const ids = new Map<string, Ids>();
    const groups = new Groups();
    let own: Ids | undefined;
    for await (const rows of this.reader.batches(this.field('id', slice, included), signal)) {
      for (const row of rows) {
        if (groups.isNew(row)) {
          own = new Map();
          if (groups.series) ids.set(groups.series.key, own);
        }
        own?.set(cellOf(row, '_time'), cellOf(row, '_value'));
      }
    }
    return ids;
  }

  private field(field: 'value' | 'id', slice: Range, included: Flux): Flux {
    return script`${points(this.bucket, slice)} |> filter(fn: (r) => r._field == ${textOf(field)} and (${included}))
      |> drop(columns: ["_start", "_stop", "_field"])`;
  }
}

const OURS = script`exists r["name"]`;

/** Measurements that may be asked together, and when. */
interface Part {
  readonly range: Range;
  readonly filter: Flux;
  /** Whether the values and ids of each of them, within a range, are of one type at present. */
  readonly isOfOneType: (range: Range) => Promise<boolean>;
}

/** A value and its time as Flux prints it. */
interface Value {
  readonly series: Series;
  readonly time: string;
  readonly value: number;
}

function pointOf({ series, time, value }: Value, ids: ReadonlyMap<string, Ids>): Point {
  return { series, time: readTime(time), value, identity: identityOf(ids.get(series.key)?.get(time)) };
}

function identityOf(text = ''): Identity {
  const fingerprint = fingerprintIn(text);
  return fingerprint === undefined ? ITSELF : { kind: 'id', fingerprint, placed: true };
}

/** Tells the series of rows, once for each group of them. */
class Groups {
  /** None where it is another program's. */
  series: Series | undefined;
  private group = '';
  private table: Row['table'] | undefined;

  isNew(row: Row): boolean {
    if (row.table === this.table && groupOf(row) === this.group) return false;
    this.table = row.table;
    this.group = groupOf(row);
    this.series = seriesOfRow(row);
    return true;
  }
}

/** The fingerprints of a series' ids, by their time, both as Flux prints them. */
type Ids = Map<string, string>;
