import type { Selection } from '../aggregation.js';
import type { Extent, NameSummary } from '../store.js';
import type { FieldTypes } from './field-types.js';
import { ALL_TIME, type Flux, matching, points, rangeOf, script, textOf } from './flux.js';
import { seriesOfRow } from './learning.js';
import { readTime } from './moments.js';
import { measurementOf, nameOf } from './names.js';
import type { Reader } from './reader.js';
import { type Row, cellOf } from './rows.js';

/** What there is: namespaces, names, and from when to when. */
export class Discovery {
  constructor(
    private readonly reader: Reader,
    private readonly bucket: string,
    private readonly types: FieldTypes,
  ) {}

  /** See `Store.extent`. */
  async extent(selection: Selection): Promise<Extent | undefined> {
    const stretches = await this.types.stretches(selection.namespace, rangeOf(selection));
    const data = stretches.map((range) => script`${points(this.bucket, range)} |> ${matching(selection)}`);
    // Per series, and compared here: after group() a bucket where another program wrote integers cannot be read.
    const [first, last] = await Promise.all([this.timesOf(data, 'first'), this.timesOf(data, 'last')]);
    const edges = { first: least(first), last: greatest(last) };
    return edges.first === undefined || edges.last === undefined ? undefined : { first: edges.first, last: edges.last };
  }

  /** See `Store.namespaces`. */
  async namespaces(): Promise<string[]> {
    // Measurements without the tag `name` are another program's.
    const query = script`${points(this.bucket, ALL_TIME)}
      |> filter(fn: (r) => exists r["name"] and r._field == "value")
      |> keep(columns: ["_measurement"]) |> group() |> distinct(column: "_measurement")`;
    const found: string[] = [];
    for await (const row of this.reader.rows(query)) found.push(cellOf(row, '_value'));
    const withoutNumbers = await this.types.measurementsWithoutNumbers();
    return found
      .filter((measurement) => !withoutNumbers.has(measurement))
      .map(nameOf)
      .sort(byCodeUnit);
  }

  /** See `Store.names`. */
  async names(namespace: string): Promise<NameSummary[]> {
    const named = script`filter(fn: (r) => r._measurement == ${textOf(measurementOf(namespace))} and exists r["name"] and r._field == "value")`;
    const stretches = await this.types.stretches(namespace, ALL_TIME);
    const data = stretches.map((range) => script`${points(this.bucket, range)} |> ${named}`);
    const summaries = new Map<string, { first: bigint; last: bigint; tagKeys: Set<string> }>();
    for (const edge of ['first', 'last'] as const) {
      for await (const row of this.edges(data, edge)) {
        const series = seriesOfRow(row);
        if (series === undefined) continue;
        const time = readTime(cellOf(row, '_time'));
        const summary = summaries.get(series.name) ?? { first: time, last: time, tagKeys: new Set() };
        summaries.set(series.name, summary);
        if (time < summary.first) summary.first = time;
        if (time > summary.last) summary.last = time;
        for (const key of Object.keys(series.tags)) summary.tagKeys.add(key);
      }
    }
    return [...summaries]
      .map(([name, { first, last, tagKeys }]) => ({ name, first, last, tagKeys: [...tagKeys].sort(byCodeUnit) }))
      .sort((a, b) => byCodeUnit(a.name, b.name));
  }

  /** Throws where the bucket cannot be read. */
  async check(): Promise<void> {
    const range = { start: ALL_TIME.start, end: ALL_TIME.start + 1n };
    for await (const _ of this.reader.rows(script`${points(this.bucket, range)} |> limit(n: 1)`)) return;
  }

  private async *edges(data: readonly Flux[], edge: Edge): AsyncGenerator<Row, void, undefined> {
    for (const some of data) yield* this.reader.rows(edgeOf(some, edge));
  }

  private async timesOf(data: readonly Flux[], edge: Edge): Promise<bigint[]> {
    const times: bigint[] = [];
    for await (const row of this.edges(data, edge)) times.push(readTime(cellOf(row, '_time')));
    return times;
  }
}

type Edge = 'first' | 'last';

function edgeOf(data: Flux, edge: Edge): Flux {
  return edge === 'first' ? script`${data} |> first()` : script`${data} |> last()`;
}

function least(times: readonly bigint[]): bigint | undefined {
  return times.reduce<bigint | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined);
}

function greatest(times: readonly bigint[]): bigint | undefined {
  return times.reduce<bigint | undefined>((a, b) => (a === undefined || b > a ? b : a), undefined);
}

/** The order of strings by code unit, as the store's answers are sorted. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
