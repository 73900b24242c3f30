import type { Bucket } from './bucket.js';
import { type Connection, jsonOf } from './connection.js';
import { failureOf } from './failure.js';
import { type Range, points, script, textOf, union, within } from './flux.js';
import { readTime } from './moments.js';
import { measurementOf } from './names.js';
import type { Reader } from './reader.js';
import { cellOf } from './rows.js';
import { remainder } from './windows.js';

export interface FieldTypesOptions {
  readonly reader: Reader;
  readonly connection: Connection;
  readonly bucket: string;
  /** Of the bucket. */
  readonly rules: Bucket;
  /** Milliseconds that a question over all shards may take. */
  readonly timeout: number;
}

// InfluxDB looks through all shards for its answer: 5 to 20 ms for five years of them (influxd 2.7.12, two cores).
const FRESH_FOR = 5000; // ms
const DAY = 86_400; // s
const RANGES_PER_SCRIPT = 50;

/** What a program may have written as `value` or `id` where it is none of ours. */
type Kind = 'float' | 'integer' | 'other';

/** A stretch within one shard that holds values. */
interface Cell {
  readonly range: Range;
  value: Kind | undefined;
  /** Undefined where there are no ids. */
  id: Kind | undefined;
}

/**
 * Which type the fields `value` and `id` have where. We write floats and integers, and InfluxDB keeps one type for each
 * measurement, field and shard: of a range over shards of several types it leaves out events without a word, also those
 * of series that the other program never wrote to (influxd 2.7.12). Within a stretch of one type it does not.
 */
export class FieldTypes {
  private readonly known = new Map<string, { readonly mixed: Promise<boolean>; readonly until: number }>();

  constructor(private readonly options: FieldTypesOptions) {}

  /**
   * What to ask for in place of a range of a namespace: the range itself or, where another program wrote values of other
   * types, stretches of one type each, in order of time, which hold all numbers that are in the range. Texts and
   * booleans are nobody's events.
   * @param knowledge - `fresh` where an answer of five seconds ago is not good enough
   */
  async stretches(
    namespace: string,
    range: Range,
    knowledge: 'recent' | 'fresh' = 'recent',
  ): Promise<readonly Range[]> {
    if (range.start >= range.end) return [];
    if (await this.isOfOneShard(range)) return [range];
    const mixed = await (knowledge === 'fresh' ? this.isMixed(namespace) : this.wasMixed(namespace));
    return mixed ? this.divide(namespace, range) : [range];
  }

  /** Whether there are values or ids of several types in a namespace. */
  async isMixed(namespace: string): Promise<boolean> {
    const measurement = measurementOf(namespace);
    return (await this.mixed(`SHOW FIELD KEYS FROM ${quoted(measurement)}`)).has(measurement);
  }

  /** The measurements that hold values or ids of several types, as InfluxDB spells them. */
  mixedMeasurements(): Promise<ReadonlySet<string>> {
    return this.mixed('SHOW FIELD KEYS');
  }

  private wasMixed(namespace: string): Promise<boolean> {
    const now = performance.now();
    const known = this.known.get(namespace);
    if (known && known.until > now) return known.mixed;
    for (const [key, { until }] of this.known) if (until <= now) this.known.delete(key);
    const mixed = this.isMixed(namespace);
    this.known.set(namespace, { mixed, until: now + FRESH_FOR });
    mixed.catch(() => this.known.delete(namespace));
    return mixed;
  }

  private async mixed(question: string): Promise<Set<string>> {
    const mixed = new Set<string>();
    await this.ask(question, ({ name, values }) => {
      const typesOf = (field: string): number => values.filter(([one]) => one === field).length;
      if (typesOf('value') > 1 || typesOf('id') > 1) mixed.add(name);
    });
    return mixed;
  }

  /** The days (or hours, where shards are shorter) that hold values, those of one type that follow each other as one. */
  private async divide(namespace: string, range: Range): Promise<Range[]> {
    const unit = await this.unit();
    const cells: Cell[] = [];
    const occupied = await this.occupied(namespace, range, unit);
    for (let from = 0; from < occupied.length; from += RANGES_PER_SCRIPT) {
      cells.push(...(await this.cellsOf(namespace, occupied.slice(from, from + RANGES_PER_SCRIPT))));
    }
    const stretches: Range[] = [];
    let last: Omit<Cell, 'range'> = { value: undefined, id: undefined };
    for (const { range: cell, value, id } of cells) {
      const alike = value === last.value && (id ?? last.id) === (last.id ?? id);
      const before = alike && value !== 'other' ? stretches.pop() : undefined;
      if (value !== 'other') stretches.push({ start: before?.start ?? cell.start, end: cell.end });
      last = { value, id: alike ? (id ?? last.id) : id };
    }
    return stretches;
  }

  /** Where there are values of whatever type, in InfluxQL: it reads each shard as what it is. */
  private async occupied(namespace: string, range: Range, unit: number): Promise<Range[]> {
    const length = BigInt(unit) * 1_000_000_000n;
    // A text or boolean is found where it is asked for as one.
    const counts = ['"value"', '"value"::string', '"value"::boolean'].map((value) => `count(${value})`).join(', ');
    const question = `SELECT ${counts} FROM ${quoted(measurementOf(namespace))} WHERE time >= ${String(range.start)} AND time < ${String(range.end)} GROUP BY time(${String(unit)}s) fill(none)`;
    const found: Range[] = [];
    await this.ask(question, ({ values }) => {
      for (const [time] of values) {
        // Seconds, for nanoseconds are more than a JSON number holds.
        const start = BigInt(Number(time)) * 1_000_000_000n;
        found.push(within({ start, end: start + length }, range));
      }
    });
    return found;
  }

  private async cellsOf(namespace: string, ranges: readonly Range[]): Promise<Cell[]> {
    const { reader, bucket } = this.options;
    const fields = script`filter(fn: (r) => r._measurement == ${textOf(measurementOf(namespace))} and (r._field == "value" or r._field == "id"))`;
    const tables = ranges.map(
      (range) => script`${points(bucket, range)} |> ${fields} |> group(columns: ["_field"]) |> first() |> kindOf()`,
    );
    const query = script`import "types"
      kindOf = (tables=<-) => tables |> map(fn: (r) => ({_time: r._time, _field: r._field, _value:
        if types.isType(v: r._value, type: "float") then "float"
        else if types.isType(v: r._value, type: "string") or types.isType(v: r._value, type: "bool") then "other"
        else "integer"}))
      ${union(tables)}`;
    const cells: Cell[] = ranges.map((range) => ({ range, value: undefined, id: undefined }));
    for await (const row of reader.rows(query)) {
      const time = readTime(cellOf(row, '_time'));
      const cell = cells.find(({ range: { start, end } }) => start <= time && time < end);
      if (cell) cell[cellOf(row, '_field') as 'value' | 'id'] = cellOf(row, '_value') as Kind;
    }
    return cells.filter(({ value }) => value !== undefined);
  }

  /** Whether a range lies within a shard for certain, and so holds values of one type. */
  private async isOfOneShard({ start, end }: Range): Promise<boolean> {
    const length = BigInt(await this.unit()) * 1_000_000_000n;
    return end - start <= length - remainder(start, length);
  }

  /** Seconds of which both a day and a shard are multiples, so that a stretch of them lies within a shard. */
  private async unit(): Promise<number> {
    const seconds = await this.options.rules.shardSeconds(FRESH_FOR);
    return seconds === undefined ? DAY : greatestCommonDivisor(DAY, seconds);
  }

  /** @param see - told of each series of the answer, which may come in several pieces */
  private async ask(question: string, see: (series: InfluxQLSeries) => void): Promise<void> {
    // In chunks: of many thousand namespaces the whole answer is more than should be kept.
    const asked = { ...databaseOf(this.options.bucket), q: question, epoch: 's', chunked: 'true' };
    let failure: string | undefined;
    const { connection, timeout } = this.options;
    const target = `/query?${new URLSearchParams(asked).toString()}`;
    const onLine = (line: string): void => {
      const [result] = (jsonOf(line) as InfluxQLAnswer).results ?? [];
      failure ??= result?.error;
      for (const series of result?.series ?? []) see(series);
    };
    await connection.ask({ target, timeout, onLine });
    // It looks in the token's own organization alone; and where the bucket is gone, Flux says it in better words.
    if (failure === undefined || failure.startsWith('database not found')) return;
    throw failureOf(400, failure, undefined);
  }
}

/** What InfluxQL answers (https://docs.influxdata.com/influxdb/v2/reference/api/influxdb-1x/query/). */
interface InfluxQLAnswer {
  readonly results?: readonly { readonly series?: readonly InfluxQLSeries[]; readonly error?: string }[];
}

interface InfluxQLSeries {
  readonly name: string;
  readonly values: readonly (readonly (string | number | null)[])[];
}

/**
 * A bucket as InfluxQL knows it: of one that came from InfluxDB 1, such as `telegraf/autogen`, database and retention policy
 * (https://docs.influxdata.com/influxdb/v2/query-data/influxql/dbrp/). Both are named, for an operator may have made
 * another bucket the database's default.
 */
function databaseOf(bucket: string): { readonly db: string; readonly rp: string } {
  const [db = '', ...rest] = bucket.split('/');
  return { db, rp: rest.length === 0 ? 'autogen' : rest.join('/') };
}

/** An identifier of InfluxQL. */
function quoted(name: string): string {
  return `"${name.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other);
}
