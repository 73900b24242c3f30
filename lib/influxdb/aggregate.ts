import type { Selection } from '../aggregation.js';
import type { WindowAggregate, WindowedQuestion } from '../store.js';
import { Cell, partOf } from './cells.js';
import { byCodeUnit } from './discovery.js';
import type { FieldTypes } from './field-types.js';
import { type Flux, type Range, anyOf, matching, numbers, script, textOf } from './flux.js';
import { nameOf, tagKeyOf } from './names.js';
import { PartQueries } from './part-queries.js';
import type { Reader } from './reader.js';
import { cellOf } from './rows.js';
import { Windows } from './windows.js';

// So many windows of all groups together are held in memory; where there may be more, the groups take turns.
const MAX_CELLS = 200_000;

/** The value of the `groupBy` tag as spelled in InfluxDB; empty for points without it, as no tag's value is. */
type Group = string;
type Cells = Map<Group, Map<number, Cell>>;

/** Fills the windows of questions. */
export class Aggregator {
  constructor(
    private readonly reader: Reader,
    private readonly bucket: string,
    private readonly types: FieldTypes,
  ) {}

  /** See `Store.aggregate`. */
  async *aggregate(question: WindowedQuestion, signal: AbortSignal): AsyncGenerator<WindowAggregate, void, undefined> {
    const { selection, aggregations, groupBy } = question;
    const windows = new Windows(question.windows, selection);
    const { start, end } = windows.whole;
    if (windows.count === 0 || start >= end) return;
    const ending = new AbortController();
    const stop = (): void => {
      ending.abort();
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      const stretches = await this.types.stretches(selection.namespace, windows.whole);
      if (stretches.length === 0) return;
      for await (const { filter, only } of this.turns(selection, windows, stretches, groupBy)) {
        const cells = await this.fill(question, windows, stretches, filter, ending);
        for (const group of [...cells.keys()].filter((key) => only === undefined || only.has(key)).sort(byName)) {
          const ofGroup = cells.get(group) ?? new Map<number, Cell>();
          for (const number of [...ofGroup.keys()].sort((a, b) => a - b)) {
            const cell = ofGroup.get(number);
            if (!cell || !aggregations.every((aggregation) => cell.has(aggregation))) continue;
            const values = aggregations.map((aggregation) => cell.valueOf(aggregation));
            yield { group: nameOfGroup(group), start: windows.startOf(number), values };
          }
        }
      }
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
  }

  /** All groups at once, or a few at a time where together they could be more than memory should hold. */
  private async *turns(
    selection: Selection,
    windows: Windows,
    stretches: readonly Range[],
    groupBy: string | undefined,
  ): AsyncGenerator<Turn, void, undefined> {
    const everything = script`${matching(selection)}`;
    if (groupBy === undefined) {
      yield { filter: everything };
      return;
    }
    const groups = await this.groups(selection, windows, stretches, groupBy);
    const atOnce = Math.max(1, Math.floor(MAX_CELLS / windows.count));
    if (groups.length <= atOnce) {
      yield { filter: everything };
      return;
    }
    for (let from = 0; from < groups.length; from += atOnce) {
      const some = groups.slice(from, from + atOnce);
      yield {
        filter: script`${everything} |> filter(fn: (r) => ${anyOf(groupBy, some.map(nameOfGroup))})`,
        only: new Set(some),
      };
    }
  }

  private async groups(
    selection: Selection,
    windows: Windows,
    stretches: readonly Range[],
    groupBy: string,
  ): Promise<Group[]> {
    const tag = tagKeyOf(groupBy);
    const groups = new Set<Group>();
    const data = numbers(this.bucket, windows.whole, stretches, matching(selection));
    const query = script`${data} |> first()
      |> group(columns: [${textOf(tag)}]) |> first()`;
    for await (const row of this.reader.rows(query)) groups.add(cellOf(row, tag));
    return [...groups].sort(byName);
  }

  private async fill(
    { aggregations, groupBy }: WindowedQuestion,
    windows: Windows,
    stretches: readonly Range[],
    filter: Flux,
    ending: AbortController,
  ): Promise<Cells> {
    const cells: Cells = new Map();
    const tag = groupBy === undefined ? undefined : tagKeyOf(groupBy);
    const queries = new PartQueries(this.reader, this.bucket, windows, stretches, filter, tag, ending.signal, {
      add: (part, group, milliseconds, value, at) => {
        const number = windows.at(milliseconds);
        if (number !== undefined) cellAt(cells, group, number).add(part, value, at);
      },
      counts: () => countsOf(cells),
    });
    const parts = new Set(aggregations.map(partOf));
    try {
      await queries.run(parts);
    } catch (error) {
      ending.abort();
      throw error;
    }
    return cells;
  }
}

interface Turn {
  readonly filter: Flux;
  /** The groups whose turn it is; all where left out. */
  readonly only?: ReadonlySet<Group>;
}

function cellAt(cells: Cells, group: Group, number: number): Cell {
  let ofGroup = cells.get(group);
  if (!ofGroup) cells.set(group, (ofGroup = new Map<number, Cell>()));
  let cell = ofGroup.get(number);
  if (!cell) ofGroup.set(number, (cell = new Cell()));
  return cell;
}

/** How many points each window holds, over all groups; and how many cells there are. */
function countsOf(cells: Cells): { readonly byWindow: ReadonlyMap<number, number>; readonly cells: number } {
  const byWindow = new Map<number, number>();
  let count = 0;
  for (const ofGroup of cells.values()) {
    count += ofGroup.size;
    for (const [number, cell] of ofGroup) byWindow.set(number, (byWindow.get(number) ?? 0) + cell.count);
  }
  return { byWindow, cells: count };
}

function nameOfGroup(group: Group): string | undefined {
  return group === '' ? undefined : nameOf(group);
}

/** Points without the tag come first, as the empty string does. */
function byName(a: Group, b: Group): number {
  return byCodeUnit(nameOf(a), nameOf(b));
}
