import { fluxFloat, fluxString } from '@influxdata/influxdb-client';
import type { Part } from './cells.js';
import { type Flux, type Range, beforeSum, durationOf, points, script, union } from './flux.js';
import { readMoment, readTime } from './moments.js';
import type { Reader } from './reader.js';
import { cellOf } from './rows.js';
import type { Division, Piece, Windows } from './windows.js';

// Scripts grow with each window or run that stands alone, and InfluxDB plans them all before it begins.
const RANGES_PER_SCRIPT = 50;
const PIECES_PER_LOOK = 10;
// Dividing sorted points costs 3 µs each, a range of its own 0.9 ms and a tenth of that per point.
const POINTS_THAT_EARN_A_RANGE = 300;
// `window |> first` costs 20 µs for each series and window, reading a point 2.
const POINTS_PER_SELECTED = 10;

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
 * Count, sum, min and max are computed per series inside the storage engine and merged here: nothing after `group()`
 * runs there, and grouping the partial results in Flux is slower still (3 M points of 229 series by hour: per series
 * and merged here 2.0 s, `group()` first 5.5 s, grouped afterwards in Flux 28 s; by day 0.6, 0.9 and 1.4 s).
 */
export class PartQueries {
  constructor(
    private readonly reader: Reader,
    private readonly bucket: string,
    private readonly windows: Windows,
    private readonly filter: Flux,
    private readonly groupTag: string | undefined,
    private readonly signal: AbortSignal,
    private readonly sink: Sink,
  ) {}

  async run(parts: ReadonlySet<Part>): Promise<void> {
    const pieces = await occupiedPieces(this.windows.pieces(), (range) => this.firstTime(range));
    if (pieces.length === 0) return;
    const exact = [...parts].filter((part) => part === 'stddev' || part.startsWith('q'));
    const selected = [...parts].filter((part): part is 'first' | 'last' => part === 'first' || part === 'last');
    const pushed = PUSHED.filter((part) => parts.has(part));
    if (exact.length === 0 && selected.length === 0) {
      await Promise.all(pushed.map((part) => this.pushed(part, pieces)));
      return;
    }
    // The counts say which way the others are cheaper, and which windows need no asking.
    const [rows] = await Promise.all([
      this.pushed('count', pieces),
      ...pushed.filter((part) => part !== 'count').map((part) => this.pushed(part, pieces)),
    ]);
    const { byWindow, cells } = this.sink.counts();
    let total = 0;
    for (const count of byWindow.values()) total += count;
    await Promise.all([
      ...exact.map((part) => this.exact(part, pieces, byWindow, total)),
      ...selected.map((part) => this.selected(part, pieces, { rows, cells, total })),
    ]);
  }

  /** A part that the storage engine computes for each series. @returns how many rows came */
  private async pushed(part: PushedPart | Selector, pieces: readonly Piece[]): Promise<number> {
    const divided = pieces.flatMap(({ range, division }) =>
      division
        ? [
            script`${this.pointsIn(range)} |> aggregateWindow(${everyOf(division)}, fn: ${FUNCTIONS[part]}, createEmpty: false, timeSrc: "_start")`,
          ]
        : [],
    );
    const single = pieces.flatMap(({ range, division }) =>
      division ? [] : [script`${this.pointsIn(range)}${beforeSum(range)} |> ${FUNCTIONS[part]}()`],
    );
    const rows = await Promise.all([this.collect(part, divided, '_time'), this.collect(part, single, '_start')]);
    return rows[0] + rows[1];
  }

  /** `first` and `last`: with several series in a window, the times of the points decide. */
  private async selected(part: Selector, pieces: readonly Piece[], { rows, cells, total }: Sizes): Promise<void> {
    if (rows === cells) {
      await this.pushed(part, pieces);
    } else if (rows * POINTS_PER_SELECTED < total) {
      const tables = pieces.map(
        ({ range, division }) => script`${this.pointsIn(range)}${windowOf(division)} |> ${FUNCTIONS[part]}()`,
      );
      await this.collect(part, tables, '_start');
    } else {
      await this.collect(part, [this.pointsIn(this.windows.whole)], '_time');
    }
  }

  /** Quantiles and deviations need all points of a window together. */
  private async exact(
    part: Part,
    pieces: readonly Piece[],
    byWindow: ReadonlyMap<number, number>,
    total: number,
  ): Promise<void> {
    const statistic =
      part === 'stddev' ? script`stddev()` : script`quantile(q: ${fluxFloat(part.slice(1))}, method: "exact_mean")`;
    const tag = this.groupTag === undefined ? script`` : script`, ${fluxString(this.groupTag)}`;
    const together = script`group(columns: ["_start", "_stop"${tag}])`;
    const dense = total > byWindow.size * POINTS_THAT_EARN_A_RANGE;
    const asked: readonly Piece[] = dense
      ? [...byWindow.keys()].map((number) => ({ range: this.windows.rangeOf(number) }))
      : pieces;
    const tables = asked.map(
      ({ range, division }) => script`${this.pointsIn(range)} |> ${together}${windowOf(division)} |> ${statistic}`,
    );
    await this.collect(part, tables, '_start');
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
    for await (const row of this.reader.rows(query, this.signal)) {
      rows++;
      const value = cellOf(row, '_value');
      if (value === '') continue;
      const window = readMoment(cellOf(row, label)).milliseconds;
      const time = cellOf(row, '_time');
      const at = time === '' ? window : readMoment(time).milliseconds;
      const group = this.groupTag === undefined ? '' : cellOf(row, this.groupTag);
      this.sink.add(part, group, window, Number(value), at);
    }
    return rows;
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
    return script`${points(this.bucket, range)} |> ${this.filter}`;
  }
}

/**
 * Leaves out stretches without points where there are many pieces: 600 years of months are 7,000, and most of them are
 * empty.
 */
async function occupiedPieces(
  pieces: readonly Piece[],
  firstTime: (range: Range) => Promise<bigint | undefined>,
): Promise<readonly Piece[]> {
  if (pieces.length <= RANGES_PER_SCRIPT) return pieces;
  const end = pieces.at(-1)?.range.end ?? 0n;
  const occupied: Piece[] = [];
  for (let index = 0; index < pieces.length;) {
    const first = await firstTime({ start: pieces[index]?.range.start ?? end, end });
    if (first === undefined) break;
    while (index < pieces.length && (pieces[index]?.range.end ?? end) <= first) index++;
    occupied.push(...pieces.slice(index, index + PIECES_PER_LOOK));
    index += PIECES_PER_LOOK;
  }
  return occupied;
}

interface Sizes {
  /** Windows of all series that hold points. */
  readonly rows: number;
  /** Windows of all groups that hold points. */
  readonly cells: number;
  /** Points. */
  readonly total: number;
}

type Selector = 'first' | 'last';
type PushedPart = (typeof PUSHED)[number];

const PUSHED = ['count', 'sum', 'min', 'max'] as const;

const FUNCTIONS = {
  count: script`count`,
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
