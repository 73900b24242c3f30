import type { Fill } from './aggregation.js';
import type { WindowAggregate } from './store.js';
import type { Nanoseconds } from './time.js';
import type { WindowRun } from './window.js';

interface FilledWindow {
  readonly group: string | undefined;
  readonly time: Nanoseconds;
  readonly values: readonly (number | null)[];
}

/**
 * Puts a row in the place of every window without events, in every group. `previous` and `linear` take only real
 * windows for their neighbours, and are null where a group has none on that side.
 * @param aggregates - in order of group and time, each of one of the windows
 * @param width - how many values a row has
 */
export async function* fillWindows(
  aggregates: AsyncIterable<WindowAggregate>,
  windows: readonly WindowRun[],
  fill: Fill,
  width: number,
): AsyncGenerator<FilledWindow> {
  let before: FilledWindow | undefined;
  let gap = new Gap(windows);
  for await (const { group, start, values } of aggregates) {
    const row = { group, time: start, values };
    if (fill !== 'none') {
      if (before !== undefined && before.group !== group) {
        yield* fillGap(gap.rest(), fill, width, before, undefined, before.group);
        gap = new Gap(windows);
        before = undefined;
      }
      yield* fillGap(gap.until(start), fill, width, before, row, group);
      before = row;
    }
    yield row;
  }
  if (before !== undefined) yield* fillGap(gap.rest(), fill, width, before, undefined, before.group);
}

/** Walks over the windows once, from one that has events to the next. */
class Gap {
  private readonly starts: Iterator<Nanoseconds, void>;

  constructor(windows: readonly WindowRun[]) {
    this.starts = startsOf(windows);
  }

  *until(start: Nanoseconds): Generator<Nanoseconds> {
    for (let next = this.starts.next(); !next.done && next.value !== start; next = this.starts.next()) yield next.value;
  }

  *rest(): Generator<Nanoseconds> {
    for (let next = this.starts.next(); !next.done; next = this.starts.next()) yield next.value;
  }
}

function* startsOf(windows: readonly WindowRun[]): Generator<Nanoseconds, void> {
  for (const { start, length, count } of windows) {
    for (let index = 0, time = start; index < count; index++, time += length) yield time;
  }
}

function* fillGap(
  gap: Iterable<Nanoseconds>,
  fill: Fill,
  width: number,
  before: FilledWindow | undefined,
  after: FilledWindow | undefined,
  group: string | undefined,
): Generator<FilledWindow> {
  for (const time of gap) yield { group, time, values: valuesBetween(time, fill, width, before, after) };
}

function valuesBetween(
  time: Nanoseconds,
  fill: Fill,
  width: number,
  before: FilledWindow | undefined,
  after: FilledWindow | undefined,
): readonly (number | null)[] {
  if (fill === 'zero') return new Array<number>(width).fill(0);
  if (fill === 'previous' && before !== undefined) return before.values;
  if (fill === 'linear' && before !== undefined && after !== undefined) {
    const share = Number(time - before.time) / Number(after.time - before.time);
    return before.values.map((from, index) => {
      const to = after.values[index] ?? null;
      return from === null || to === null ? null : from + (to - from) * share;
    });
  }
  return new Array<null>(width).fill(null);
}
