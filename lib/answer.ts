import { Readable } from 'node:stream';
import type { AggregationQuery, Selection } from './aggregation.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { TrackingError } from './errors.js';
import type { Tags } from './event.js';
import { fillWindows } from './fill.js';
import type { Extent, Reader, StoredEvent } from './store.js';
import { MILLISECOND, type Nanoseconds, toMilliseconds } from './time.js';
import { MAX_WINDOWS, type WindowRun, endOfRun, windowRuns } from './window.js';

/** One row of an answer: a window, or with granularity `none` an event. */
export interface Row {
  /** The value of the `groupBy` tag; undefined without `groupBy` and for events without that tag. */
  readonly group: string | undefined;
  /** The window's start, or the event's time. */
  readonly time: Nanoseconds;
  /** One for each aggregation asked, in their order; one alone with granularity `none`. */
  readonly values: readonly (number | null)[];
  /** The event's tags, with granularity `none` alone. */
  readonly tags?: Tags;
}

/** One page of an answer; `next` is the cursor of the page after it, where there is one. */
export interface Page {
  readonly rows: AsyncIterable<Row>;
  readonly next: string | undefined;
}

export const MAX_GROUPS = 1000;
/** Pages of events up to this size are read before they are sent; larger ones are streamed. */
const MAX_EVENTS_IN_MEMORY = 10_000;

/**
 * Answers a question, page by page.
 * @throws TrackingError `unprocessable` where there would be more than 100,000 windows or 1,000 groups, `invalid` for
 *   a cursor that is none of ours
 */
export function answer(store: Reader, query: AggregationQuery): Promise<Page> {
  return query.granularity === 'none' ? pageOfEvents(store, query) : pageOfWindows(store, query, query.granularity);
}

async function pageOfWindows(
  store: Reader,
  query: AggregationQuery,
  granularity: Exclude<AggregationQuery['granularity'], 'none'>,
): Promise<Page> {
  const { selection, aggregations, groupBy, fill } = query;
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, 'window');
  const extent = await store.extent(selection);
  if (extent === undefined) return { rows: streamOf([]), next: undefined };
  const all = granularity === 'all' ? [wholeRange(selection, extent)] : windowsOf(extent, granularity, query);
  if (groupBy !== undefined) await refuseTooManyGroups(store, selection, extent, groupBy);

  // Only what depends on earlier windows has to see them again.
  const standsAlone = groupBy === undefined && (fill === 'none' || fill === 'null' || fill === 'zero');
  const windows = after !== undefined && standsAlone ? windowsAfter(all, after.time) : all;
  const question = { selection, windows, aggregations, ...(groupBy === undefined ? {} : { groupBy }) };
  const size = Math.min(query.limit, MAX_WINDOWS);
  const rows: Row[] = [];
  for await (const row of fillWindows(store.aggregate(question), windows, fill, aggregations.length, after)) {
    if (rows.length === size) return { rows: streamOf(rows), next: cursorAfter(rows) };
    rows.push(row);
  }
  return { rows: streamOf(rows), next: undefined };
}

function windowsOf(
  extent: Extent,
  granularity: Exclude<AggregationQuery['granularity'], 'none' | 'all'>,
  calendar: AggregationQuery,
): WindowRun[] {
  return windowRuns(extent.first, extent.last, granularity, calendar);
}

function wholeRange({ tsMin, tsMax }: Selection, extent: Extent): WindowRun {
  const start = tsMin ?? BigInt(toMilliseconds(extent.first)) * MILLISECOND;
  return { start, length: (tsMax ?? extent.last + 1n) - start, count: 1 };
}

async function refuseTooManyGroups(
  store: Reader,
  selection: Selection,
  extent: Extent,
  groupBy: string,
): Promise<void> {
  let groups = 0;
  const windows = [wholeRange(selection, extent)];
  for await (const _ of store.aggregate({ selection, windows, aggregations: ['count'], groupBy })) {
    groups++;
    if (groups > MAX_GROUPS) {
      throw new TrackingError(
        'unprocessable',
        `groupBy=${groupBy} would make more than ${MAX_GROUPS} groups. Narrow them down with tag.KEY=VALUE, or group by another tag.`,
      );
    }
  }
}

/** The windows that start later than a time. */
function windowsAfter(runs: readonly WindowRun[], time: Nanoseconds): WindowRun[] {
  return runs.flatMap((run) => {
    if (run.start > time) return [run];
    if (endOfRun(run) <= time) return [];
    const past = (time - run.start) / run.length + 1n;
    const count = run.count - Number(past);
    return count === 0 ? [] : [{ start: run.start + past * run.length, length: run.length, count }];
  });
}

function cursorAfter(rows: readonly Row[]): string | undefined {
  const last = rows.at(-1);
  return last && encodeCursor({ kind: 'window', group: last.group, time: last.time });
}

async function pageOfEvents(store: Reader, query: AggregationQuery): Promise<Page> {
  const { selection, limit } = query;
  const from = query.cursor === undefined ? undefined : decodeCursor(query.cursor, 'event');
  const start = from === undefined ? {} : { from };
  if (limit > MAX_EVENTS_IN_MEMORY) {
    const end = await endOfPage(store, selection, start, limit);
    const rows = until(end, store.events({ selection, ...start }), from);
    return { rows, next: end && encodeCursor({ kind: 'event', ...end }) };
  }
  const position = new Position(from);
  const rows: Row[] = [];
  for await (const event of store.events({ selection, ...start, limit: limit + 1 })) {
    if (rows.length === limit) {
      return { rows: streamOf(rows), next: encodeCursor({ kind: 'event', ...position.current }) };
    }
    position.pass(event);
    rows.push(rowOf(event));
  }
  return { rows: streamOf(rows), next: undefined };
}

interface EventPosition {
  readonly time: Nanoseconds;
  readonly skip: number;
}

/** Where a reader stands among events in order of time: behind `skip` of the events of one time. */
class Position {
  private time: Nanoseconds | undefined;
  private skip: number;

  constructor(from: EventPosition | undefined) {
    this.time = from?.time;
    this.skip = from?.skip ?? 0;
  }

  pass(event: StoredEvent): void {
    this.skip = event.time === this.time ? this.skip + 1 : 1;
    this.time = event.time;
  }

  get current(): EventPosition {
    return { time: this.time ?? 0n, skip: this.skip };
  }

  isAt(end: EventPosition): boolean {
    return this.time === end.time && this.skip === end.skip;
  }
}

/**
 * Where a page that is streamed will end, or nothing where it is the last one. It has to be known before the first row
 * is sent, for the `Link` to the next page is a header.
 */
async function endOfPage(
  store: Reader,
  selection: Selection,
  start: { readonly from?: EventPosition },
  limit: number,
): Promise<EventPosition | undefined> {
  if ((await countEvents(store, selection)) <= limit) return undefined;
  const position = new Position(start.from);
  let passed = 0;
  for await (const event of store.events({ selection, ...start, limit: limit + 1 })) {
    if (passed === limit) return position.current;
    position.pass(event);
    passed++;
  }
  return undefined;
}

async function countEvents(store: Reader, selection: Selection): Promise<number> {
  const extent = await store.extent(selection);
  if (extent === undefined) return 0;
  const windows = [wholeRange(selection, extent)];
  for await (const { values } of store.aggregate({ selection, windows, aggregations: ['count'] }))
    return values[0] ?? 0;
  return 0;
}

/** Up to a position rather than a number of rows: an event tracked meanwhile must push none over the page's edge. */
async function* until(
  end: EventPosition | undefined,
  events: AsyncIterable<StoredEvent>,
  from: EventPosition | undefined,
): AsyncGenerator<Row> {
  const position = new Position(from);
  for await (const event of events) {
    position.pass(event);
    if (end !== undefined && event.time > end.time) return;
    yield rowOf(event);
    if (end !== undefined && position.isAt(end)) return;
  }
}

function rowOf({ time, value, tags }: StoredEvent): Row {
  return { group: undefined, time, values: [value], tags };
}

function streamOf(rows: readonly Row[]): AsyncIterable<Row> {
  return Readable.from(rows);
}
