import { fluxFloat } from '@influxdata/influxdb-client';
import { Averages } from './averages.js';
import type { Part } from './cells.js';
import { type Flux, type Range, beforeSum, durationOf, numbers, script, textOf, union } from './flux.js';
import { readMoment, readTime } from './moments.js';
import { inShortDivisions, occupiedPieces } from './pieces.js';
import type { Reader } from './reader.js';
import { type Row, cellOf } from './rows.js';
import type { Division, Piece, Windows } from './windows.js';

// Scripts grow with each window or run that stands alone, and InfluxDB plans them all before it begins.
const RANGES_PER_SCRIPT = 50;

// Microseconds, measured over 3 M points of 229 series and 2.6 M of one (influxd 2.7.12, two cores).
const COST = {
  /** Of a range of its own; its points cost next to nothing. */
  range: 900,
  rangeOfSeries: 20,
  /** Of dividing a point with `window`, in Flux. */
  divide: 1.6,
  /** Of `group` and `aggregateWindow` for a point, in Flux: adding up, and choosing the least. */
  add: 0.3,
  choose: 1.4,
  /** Of one window of one series, here and in InfluxDB. */
  row: 4,
  /** Of `window |> first` for one window of one series. */
  select: 20,
};
// With fewer windows it does not pay to count first.
const MANY_WINDOWS = 1000;

/** Where the rows go, and what is known from the counts. */
export interface Sink {
  /**
   * @param milliseconds - a time within the window
   * @param at - the time of the point itself, for `first` and `last`
   */
  readonly add: (part: Part, group: string, milliseconds: number, value: number, at: number) => void;
  /** Points by number of window, and how many windows of all groups hold any. */
  readonly counts: () => { readonly byWindow: ReadonlyMap<number, number>; readonly cells: number };
}

/** Where a row says which window it belongs to. */
type Label = '_time' | '_start';

/**
 * Asks for the parts of all windows.
 *
 * Per series, aggregateWindow runs inside the storage engine and its rows are merged here; after `group()` it runs in
 * Flux. So it is series × windows against points: over 3 M points of 229 series, per series by day 0.3 s, by hour 5 s;
 * `group()` first 0.9 s and 0.7 s. (Grouping the rows of series in Flux is worst: 28 s by hour.)
 */
export class PartQueries {
  /** What averages are made of, where any are asked for. */
  private averages: Averages | undefined;

  constructor(
    private readonly reader: Reader,
    private readonly bucket: string,
    private readonly windows: Windows,
    private readonly stretches: readonly Range[],
    private readonly filter: Flux,
    private readonly groupTag: string | undefined,
    private readonly signal: AbortSignal,
    private readonly sink: Sink,
  ) {}

  async run(parts: ReadonlySet<Part>): Promise<void> {
    const pieces = await occupiedPieces(this.windows.pieces(), (range) => this.firstTime(range));
    if (pieces.length === 0) return;
    const exact = [...parts].filter((part) => part === 'stddev' || part.startsWith('q'));
    const selected = [...parts].filter((part): part is Selector => part === 'first' || part === 'last');
    const plain = exact.length === 0 && selected.length === 0;
    const sizes = plain && this.windows.count < MANY_WINDOWS ? NO_SIZES : await this.sizes();
    const rowsPerPoint = sizes.series > 1 ? (sizes.rows * COST.row) / sizes.points : 0;
    const together = (part: Part): boolean =>
      rowsPerPoint > (part === 'min' || part === 'max' ? COST.choose : COST.add);
    const ask = async (part: PushedPart): Promise<number> =>
      parts.has(part) ? this.pushed(part, pieces, together(part)) : 0;
    const countAndMean = async (): Promise<number> => {
      const counting = !plain || parts.has('count');
      const rows = counting ? await this.pushed('count', pieces, together('count')) : 0;
      if (this.averages) await this.means(this.averages, pieces, together('mean'), counting || sizes.series === 1);
      return rows;
    };
    if (parts.has('mean')) this.averages = new Averages();
    const [rows] = await Promise.all([countAndMean(), ask('sum')]);
    if (!plain) {
      const { byWindow, cells } = this.sink.counts();
      await Promise.all([
        ...exact.map((part) => this.exact(part, pieces, byWindow, sizes)),
        ...selected.map((part) => this.selected(part, pieces, sizes, !together('count') && rows === cells)),
      ]);
    }
    // Last, so that nothing shown beside them lies outside, though points come in.
    await Promise.all([ask('min'), ask('max')]);
  }

  /**
   * The averages; with several series in a window, by how many points each has. These are asked for first: a series that
   * grows in between then weighs too little, while the mean of its first point would be far off with the weight of all.
   */
  private async means(averages: Averages, pieces: readonly Piece[], together: boolean, known: boolean): Promise<void> {
    const counting = !together && !known && (await this.hasSeveralSeries());
    if (counting) await this.pushed('count', pieces, false);
    await this.pushed('mean', pieces, together);
    if (averages.needsCounts) {
      averages.restart();
      await this.pushed('count', pieces, false);
      await this.pushed('mean', pieces, false);
    }
    for (const { group, window, mean } of averages) this.sink.add('mean', group, window, mean, window);
  }

  private async hasSeveralSeries(): Promise<boolean> {
    let series = 0;
    for await (const _ of this.reader.rows(script`${this.pointsIn(this.windows.whole)} |> first()`, this.signal)) {
      if (++series > 1) return true;
    }
    return false;
  }

  /** A part as the storage engine computes it for each series, or Flux for all together. @returns how many rows came */
  private async pushed(part: PushedPart | Selector, pieces: readonly Piece[], together: boolean): Promise<number> {
    const divided: Flux[] = [];
    const single: Flux[] = [];
    for (const { range, division } of together ? inShortDivisions(pieces) : pieces) {
      const series = this.pointsIn(range);
      const data = together && (division || part === 'mean') ? script`${series} |> ${this.merged()}` : series;
      if (!division) single.push(script`${data}${beforeSum(range)} |> ${FUNCTIONS[part]}()`);
      else {
        divided.push(
          script`${data} |> aggregateWindow(${everyOf(division)}, fn: ${FUNCTIONS[part]}, createEmpty: false, timeSrc: "_start")`,
        );
      }
    }
    const rows = await Promise.all([this.collect(part, divided, '_time'), this.collect(part, single, '_start')]);
    return rows[0] + rows[1];
  }

  /** `first` and `last`: with several series in a window, the times of the points decide. */
  private async selected(part: Selector, pieces: readonly Piece[], sizes: Sizes, alone: boolean): Promise<void> {
    if (alone) {
      await this.pushed(part, pieces, false);
      return;
    }
    const perSeries = sizes.rows * COST.select < sizes.points * COST.divide;
    const before = perSeries ? script`` : script` |> ${this.merged()} |> sort(columns: ["_time"])`;
    const tables = inShortDivisions(pieces).map(
      ({ range, division }) => script`${this.pointsIn(range)}${before}${windowOf(division)} |> ${FUNCTIONS[part]}()`,
    );
    await this.collect(part, tables, '_start');
  }

  /** Quantiles and deviations need all points of a window together. */
  private async exact(
    part: Part,
    pieces: readonly Piece[],
    byWindow: ReadonlyMap<number, number>,
    { points: total, series }: Sizes,
  ): Promise<void> {
    const statistic =
      part === 'stddev' ? script`stddev()` : script`quantile(q: ${fluxFloat(part.slice(1))}, method: "exact_mean")`;
    const ranges = byWindow.size * (COST.range + series * COST.rangeOfSeries);
    const asked: readonly Piece[] =
      ranges < total * COST.divide
        ? [...byWindow.keys()].map((number) => ({ range: this.windows.rangeOf(number) }))
        : inShortDivisions(pieces);
    const tables = asked.map(
      ({ range, division }) => script`${this.pointsIn(range)} |> ${this.merged()}${windowOf(division)} |> ${statistic}`,
    );
    await this.collect(part, tables, '_start');
  }

  /** How many points there are, and how many rows at most if each series is asked for by itself. */
  private async sizes(): Promise<Sizes> {
    let [points, series, rows] = [0, 0, 0];
    const range = this.windows.whole;
    for await (const row of this.reader.rows(
      script`${this.pointsIn(range)}${beforeSum(range)} |> count()`,
      this.signal,
    )) {
      const count = Number(cellOf(row, '_value'));
      points += count;
      series++;
      rows += Math.min(count, this.windows.count);
    }
    return { points, series, rows };
  }

  /** All series as one, or one for each group; without the other columns, whose copying takes half of the time. */
  private merged(): Flux {
    const tag = this.groupTag === undefined ? script`` : script`, ${textOf(this.groupTag)}`;
    return script`group(columns: ["_start", "_stop"${tag}]) |> keep(columns: ["_start", "_stop", "_time", "_value"${tag}])`;
  }

  private async collect(part: Part, tables: readonly Flux[], label: Label): Promise<number> {
    let rows = 0;
    for (let from = 0; from < tables.length; from += RANGES_PER_SCRIPT) {
      rows += await this.collectScript(part, union(tables.slice(from, from + RANGES_PER_SCRIPT)), label);
    }
    return rows;
  }

  private async collectScript(part: Part, query: Flux, label: Label): Promise<number> {
    let rows = 0;
    for await (const batch of this.reader.batches(query, this.signal)) {
      rows += batch.length;
      for (const row of batch) this.collectRow(part, row, label);
    }
    return rows;
  }

  private collectRow(part: Part, row: Row, label: Label): void {
    const value = cellOf(row, '_value');
    if (value === '') return;
    const window = readMoment(cellOf(row, label)).milliseconds;
    const at = part === 'first' || part === 'last' ? readMoment(cellOf(row, '_time')).milliseconds : window;
    const group = this.groupTag === undefined ? '' : cellOf(row, this.groupTag);
    if (part === 'count') this.averages?.count(row, window, Number(value));
    if (part === 'mean') this.averages?.add(row, group, window, Number(value));
    else this.sink.add(part, group, window, Number(value), at);
  }

  private async firstTime(range: Range): Promise<bigint | undefined> {
    let first: bigint | undefined;
    for await (const row of this.reader.rows(script`${this.pointsIn(range)} |> first()`, this.signal)) {
      const time = readTime(cellOf(row, '_time'));
      if (first === undefined || time < first) first = time;
    }
    return first;
  }

  private pointsIn(range: Range): Flux {
    return numbers(this.bucket, range, this.stretches, this.filter);
  }
}

interface Sizes {
  readonly points: number;
  readonly series: number;
  /** Windows of all series that hold points, at most. */
  readonly rows: number;
}

const NO_SIZES: Sizes = { points: 0, series: 0, rows: 0 };

type Selector = 'first' | 'last';
type PushedPart = 'count' | 'mean' | 'sum' | 'min' | 'max';

const FUNCTIONS = {
  count: script`count`,
  mean: script`mean`,
  sum: script`sum`,
  min: script`min`,
  max: script`max`,
  first: script`first`,
  last: script`last`,
} as const;

function windowOf(division: Division | undefined): Flux {
  return division ? script` |> window(${everyOf(division)}, createEmpty: false)` : script``;
}

function everyOf({ every, offset }: Division): Flux {
  return script`every: ${durationOf(every)}, offset: ${durationOf(offset)}`;
}
