import { type Identity, ITSELF, type Point, type Series } from '../event.js';
import type { PointsQuery } from '../store.js';
import { END_OF_TIME, MIN_TIME } from '../time.js';
import type { FieldTypes } from './field-types.js';
import { type Flux, ALL_TIME, beforeSum, eitherOf, points, type Range, script, textOf, within } from './flux.js';
import { seriesOfRow } from './learning.js';
import { readTime } from './moments.js';
import { nameOf } from './names.js';
import type { Reader } from './reader.js';
import { cellOf, fingerprintIn, groupOf, type Row } from './rows.js';
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
    for (const part of await this.partsOf(range)) {
      const filter = includes === undefined ? part.filter : await this.included(includes, part, signal);
      if (filter === undefined) continue;
      for (const stretch of part.stretches) yield* this.pointsOf(stretch, filter, signal);
    }
  }

  private async *pointsOf(
    stretch: Range,
    included: Flux,
    signal: AbortSignal,
  ): AsyncGenerator<readonly Point[], void, undefined> {
    for await (const slice of slicesOf(stretch, MAX_SLICE, (slice) => this.countIn(slice, included, signal))) {
      // The values first: whoever has seen one finds its id, however many are written meanwhile.
      const values = await this.valuesOf(slice, included, signal);
      const ids = await this.idsOf(slice, included, signal);
      for (let start = 0; start < values.length; start += MAX_BATCH) {
        yield values.slice(start, start + MAX_BATCH).map((value) => pointOf(value, ids));
      }
    }
  }

  /** All measurements at once, but each of those by itself that hold values of several types. */
  private async partsOf(range: Range): Promise<Part[]> {
    const mixed = [...(await this.types.mixedMeasurements())];
    const ours = script`exists r["name"]`;
    const isOneOf = (some: readonly string[]): Flux =>
      eitherOf(some.map((measurement) => script`r._measurement == ${textOf(measurement)}`));
    const filter = mixed.length === 0 ? ours : script`${ours} and not ${isOneOf(mixed)}`;
    const parts: Part[] = [{ stretches: [range], filter }];
    for (const measurement of mixed) {
      const stretches = await this.types.stretches(nameOf(measurement), range, 'fresh');
      parts.push({ stretches, filter: script`${ours} and ${isOneOf([measurement])}` });
    }
    return parts;
  }

  /** What says whether a row belongs to a name that is asked for; nothing where none is. */
  private async included(
    includes: NonNullable<PointsQuery['includes']>,
    part: Part,
    signal: AbortSignal,
  ): Promise<Flux | undefined> {
    const conditions: Flux[] = [];
    for (const [measurement, names] of await this.names(part, signal)) {
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
  private async names({ stretches, filter }: Part, signal: AbortSignal): Promise<Map<string, Set<string>>> {
    const names = new Map<string, Set<string>>();
    for (const stretch of stretches) {
      const values = script`${points(this.bucket, stretch)} |> filter(fn: (r) => r._field == "value" and ${filter})`;
      const query = script`${values} |> first() |> keep(columns: ["_measurement", "name"])`;
      for await (const row of this.reader.rows(query, signal)) {
        const measurement = cellOf(row, '_measurement');
        const its = names.get(measurement) ?? new Set();
        names.set(measurement, its.add(cellOf(row, 'name')));
      }
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
        const value = Number(cellOf(row, '_value'));
        // Another program may keep texts in a field of this name.
        if (series !== undefined && Number.isFinite(value)) values.push({ series, time: cellOf(row, '_time'), value });
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

/** Measurements that may be asked together, and when. */
interface Part {
  readonly stretches: readonly Range[];
  readonly filter: Flux;
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
