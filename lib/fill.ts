import type { Fill } from './aggregation.js';
import type { WindowAggregate } from './store.js';
import type { Nanoseconds } from './time.js';
import { type WindowRun, endOfRun } from './window.js';

interface FilledWindow {
  readonly group: string | undefined;
  readonly time: Nanoseconds;
  readonly values: readonly (number | null)[];
}

/** Where a page before ended: its last row. */
export interface RowPosition {
  readonly group: string | undefined;
  readonly time: Nanoseconds;
}

/**
 * Puts a row in the place of every window without events, in every group. `previous` and `linear` take only real
 * windows for their neighbours, and are null where a group has none on that side.
 *
 * Only rows after `after` come out. What lies before it is passed over without a step for each window, for a page must
 * cost no more because others went before it.
 * @param aggregates - in order of group and time, each of one of the windows
 * @param width - how many values a row has
 */
export async function* fillWindows(
  aggregates: AsyncIterable<WindowAggregate>,
  windows: readonly WindowRun[],
  fill: Fill,
  width: number,
  after?: RowPosition,
): AsyncGenerator<FilledWindow> {
  const fillGap = gapFiller(fill, width);
  let before: FilledWindow | undefined;
  let gap = new Gap(windows, undefined);
  for await (const { group, start, values } of aggregates) {
    const row = { group, time: start, values };
    if (after !== undefined && isBefore(group, after.group)) continue;
    if (fill !== 'none') {
      if (before === undefined || before.group !== group) {
        if (before !== undefined) yield* fillGap(gap.rest(), before.group, before, undefined);
        gap = new Gap(windows, after?.group === group ? after?.time : undefined);
        before = undefined;
      }
      yield* fillGap(gap.until(start), group, before, row);
      before = row;
    }
    if (after === undefined || group !== after.group || start > after.time) yield row;
  }
  if (before !== undefined) yield* fillGap(gap.rest(), before.group, before, undefined);
}

/** Rows without a group come first, then groups by code unit. */
function isBefore(group: string | undefined, other: string | undefined): boolean {
  if (group === other || other === undefined) return false;
  return group === undefined || group < other;
}

/** Walks over the starts of windows once, from one that has events to the next. */
class Gap {
  private run = 0;
  private index = 0;

  /** @param after - windows up to this start are passed over */
  constructor(
    private readonly windows: readonly WindowRun[],
    after: Nanoseconds | undefined,
  ) {
    if (after === undefined) return;
    this.run = windows.findIndex((run) => endOfRun(run) > after);
    if (this.run < 0) this.run = windows.length;
    const run = windows[this.run];
    if (run !== undefined && run.start <= after) this.advanceTo(Number((after - run.start) / run.length) + 1);
  }

  /** The starts before a window with events; that one is passed over. */
  *until(start: Nanoseconds): Generator<Nanoseconds> {
    for (let next = this.next; next !== undefined && next <= start; next = this.next) {
      this.advanceTo(this.index + 1);
      if (next < start) yield next;
    }
  }

  *rest(): Generator<Nanoseconds> {
    for (let next = this.next; next !== undefined; next = this.next) {
      this.advanceTo(this.index + 1);
      yield next;
    }
  }

  private get next(): Nanoseconds | undefined {
    const run = this.windows[this.run];
    return run && run.start + run.length * BigInt(this.index);
  }

  private advanceTo(index: number): void {
    const count = this.windows[this.run]?.count ?? 0;
    this.index = index < count ? index : 0;
    if (index >= count) this.run++;
  }
}

type GapFiller = (
  gap: Iterable<Nanoseconds>,
  group: string | undefined,
  before: FilledWindow | undefined,
  after: FilledWindow | undefined,
) => Generator<FilledWindow>;

function gapFiller(fill: Fill, width: number): GapFiller {
  // One for all rows: there may be a hundred thousand.
  const nothing = new Array<number | null>(width).fill(fill === 'zero' ? 0 : null);
  return function* (gap, group, before, after) {
    for (const time of gap) yield { group, time, values: valuesBetween(time, fill, before, after) ?? nothing };
  };
}

/** What stands between two windows with events; undefined where nothing does. */
function valuesBetween(
  time: Nanoseconds,
  fill: Fill,
  before: FilledWindow | undefined,
  after: FilledWindow | undefined,
): readonly (number | null)[] | undefined {
  if (fill === 'previous') return before?.values;
  if (fill !== 'linear' || before === undefined || after === undefined) return undefined;
  const share = Number(time - before.time) / Number(after.time - before.time);
  return before.values.map((from, index) => {
    const to = after.values[index] ?? null;
    return from === null || to === null ? null : from + (to - from) * share;
  });
}
