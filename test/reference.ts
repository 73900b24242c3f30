import type { EventsQuery, Selection } from '../lib/aggregation.js';
import { TrackingError } from '../lib/errors.js';
import type { Point, Tags } from '../lib/event.js';
import type {
  Delivery,
  Extent,
  LatestPoint,
  NameSummary,
  PointsQuery,
  Store,
  StoredEvent,
  WindowAggregate,
  WindowedQuestion,
} from '../lib/store.js';
import { type Nanoseconds, toMilliseconds } from '../lib/time.js';
import type { WindowRun } from '../lib/window.js';
import { aggregateOf } from './statistics.js';

/** What outlives a store: each point under what makes it itself. */
export type Disk = Map<string | symbol, Point>;

/** The judge of all stores: all points in memory, and nothing clever. */
export class ReferenceStore implements Store {
  private closed = false;

  /** @param positions - the last delivery of each partition, which outlives a store too */
  constructor(
    private readonly disk: Disk = new Map(),
    private readonly positions = new Map<string, number>(),
  ) {}

  write(points: readonly Point[], delivery?: Delivery): Promise<[]> {
    return this.answer(() => {
      if (delivery !== undefined) {
        const { partition, sequence } = delivery;
        if (sequence <= (this.positions.get(partition) ?? -Infinity)) return [];
        this.positions.set(partition, sequence);
      }
      for (const point of points) this.add(point);
      return [];
    });
  }

  extent(selection: Selection): Promise<Extent | undefined> {
    return this.answer(() => extentOf(this.select(selection)));
  }

  async *aggregate({ selection, windows, aggregations, groupBy }: WindowedQuestion): AsyncGenerator<WindowAggregate> {
    const selected = await this.answer(() => this.select(selection).map(toEvent));
    for (const [group, events] of groupsOf(selected, groupBy)) {
      for (const { start, end } of windows.flatMap(singly)) {
        const within = events.filter(({ time }) => time >= start && time < end);
        if (within.length === 0) continue;
        yield { group, start, values: aggregations.map((aggregation) => aggregateOf(aggregation, within)) };
      }
    }
  }

  async *latest(selection: Selection, groupBy: string): AsyncGenerator<LatestPoint> {
    const selected = await this.answer(() => this.select(selection).map(toEvent));
    for (const [group, events] of groupsOf(selected, groupBy)) {
      const last = events.at(-1);
      if (group !== undefined && last !== undefined) yield { group, time: last.time, value: last.value };
    }
  }

  async *events({ selection, from, limit }: EventsQuery): AsyncGenerator<StoredEvent> {
    const selected = await this.answer(() => this.select(selection).map(toEvent));
    const rest =
      from === undefined
        ? selected
        : [
            ...selected.filter(({ time }) => time === from.time).slice(from.skip),
            ...selected.filter(({ time }) => time > from.time),
          ];
    yield* rest.slice(0, limit);
  }

  delete(selection: Selection): Promise<number> {
    return this.answer(() => {
      const selected = new Set(this.select(selection));
      for (const [key, point] of this.disk) if (selected.has(point)) this.disk.delete(key);
      return selected.size;
    });
  }

  async *points({ includes, from, to }: PointsQuery): AsyncGenerator<readonly Point[]> {
    yield await this.answer(() =>
      sorted(
        this.all.filter(
          ({ series: { namespace, name }, time }) =>
            includes?.(namespace, name) !== false &&
            (from === undefined || time >= from) &&
            (to === undefined || time < to),
        ),
      ).map(placed),
    );
  }

  namespaces(): Promise<readonly string[]> {
    return this.answer(() => distinct(this.all.map(({ series }) => series.namespace)));
  }

  names(namespace: string): Promise<readonly NameSummary[]> {
    return this.answer(() => {
      const own = this.all.filter(({ series }) => series.namespace === namespace);
      return distinct(own.map(({ series }) => series.name)).map((name) => {
        const named = sorted(own.filter(({ series }) => series.name === name));
        const tagKeys = distinct(named.flatMap(({ series }) => Object.keys(series.tags)));
        return { name, tagKeys, ...(extentOf(named) ?? { first: 0n, last: 0n }) };
      });
    });
  }

  check(): Promise<void> {
    return this.answer(() => undefined);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  private get all(): Point[] {
    return [...this.disk.values()];
  }

  private add(point: Point): void {
    const itself = identityOf(point);
    if (point.identity.kind === 'id' && this.disk.has(itself)) return;
    this.disk.set(itself, point);
  }

  private select({ namespace, name, tsMin, tsMax, tags }: Selection): Point[] {
    return sorted(
      this.all.filter(
        ({ series, time }) =>
          series.namespace === namespace &&
          series.name === name &&
          (tsMin === undefined || time >= tsMin) &&
          (tsMax === undefined || time < tsMax) &&
          Object.entries(tags).every(([key, wanted]) => wanted.some((value) => ownTag(series.tags, key) === value)),
      ),
    );
  }

  /** What the work returns or throws, as a promise. */
  private answer<Answer>(work: () => Answer): Promise<Answer> {
    return new Promise((resolve) => {
      if (this.closed) throw new TrackingError('unavailable', 'The store is closed.');
      resolve(work());
    });
  }
}

/** The events of each value of the tag, events without it first. */
export function groupsOf(
  events: readonly StoredEvent[],
  groupBy: string | undefined,
): [string | undefined, StoredEvent[]][] {
  const groupOf = ({ tags }: StoredEvent): string | undefined =>
    groupBy === undefined ? undefined : ownTag(tags, groupBy);
  const values = distinct(events.map(groupOf).filter((group) => group !== undefined));
  return [undefined, ...values].map((group) => [group, events.filter((event) => groupOf(event) === group)]);
}

function identityOf({ series, time, identity }: Point): string | symbol {
  switch (identity.kind) {
    case 'none':
      return Symbol('itself');
    case 'sample':
      return `${series.key}\0${String(time)}`;
    case 'id':
      return `${series.key}\0${String(toMilliseconds(time))}\0${String(identity.fingerprint)}`;
  }
}

function placed(point: Point): Point {
  return point.identity.kind === 'id' ? { ...point, identity: { ...point.identity, placed: true } } : point;
}

function toEvent({ time, value, series }: Point): StoredEvent {
  return { time, value, tags: series.tags };
}

function ownTag(tags: Tags, key: string): string | undefined {
  return Object.hasOwn(tags, key) ? tags[key] : undefined;
}

function singly({ start, length, count }: WindowRun): { start: Nanoseconds; end: Nanoseconds }[] {
  return Array.from({ length: count }, (_, index) => {
    const begin = start + BigInt(index) * length;
    return { start: begin, end: begin + length };
  });
}

function extentOf(points: readonly Point[]): Extent | undefined {
  const [first, last] = [points[0], points.at(-1)];
  return first && last && { first: first.time, last: last.time };
}

function sorted(points: readonly Point[]): Point[] {
  return points.toSorted((one, other) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0));
}

/** Once each, in order of code unit. */
function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].sort();
}
