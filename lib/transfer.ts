import { hash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { allowsNamespace } from './access.js';
import { TrackingError } from './errors.js';
import { fingerprintOf, type Identity, type Point, SAMPLE } from './event.js';
import type { Extent, PointsQuery, Refusal, Store } from './store.js';
import type { Nanoseconds } from './time.js';

/** Which points are exported or copied. */
export interface PointsFilter {
  /** Patterns such as `Server-*`; none means all. */
  readonly namespaces: readonly string[];
  readonly names: readonly string[];
  /** Included. */
  readonly from?: Nanoseconds;
  /** Excluded. */
  readonly to?: Nanoseconds;
}

export const ALL_POINTS: PointsFilter = { namespaces: [], names: [] };

/** Where points come from. */
export interface Source {
  /** The points a filter is about, as `Store.points` gives them. */
  points(filter: PointsFilter): AsyncIterable<readonly Point[]>;
  /** From the first to the last time of the series that have any of them, or nothing where there are none. */
  extent(filter: PointsFilter): Promise<Extent | undefined>;
}

/** Where points go, one call at a time. */
export interface Sink {
  /** As `Store.write`. */
  write(points: readonly Point[]): Promise<readonly Refusal[]>;
}

export function sourceOf(store: Pick<Store, 'points' | 'namespaces' | 'names'>): Source {
  return {
    points: (filter) => store.points(queryOf(filter)),
    extent: (filter) => extentIn(store, filter),
  };
}

function queryOf({ namespaces, names, from, to }: PointsFilter): PointsQuery {
  const all = namespaces.length === 0 && names.length === 0;
  return {
    ...(all ? {} : { includes: (namespace, name) => isIncluded({ namespaces, names }, namespace, name) }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

function isIncluded({ namespaces, names }: PointsFilter, namespace: string, name: string): boolean {
  // The patterns of names are those of namespaces.
  return allowsNamespace(namespaces, namespace) && allowsNamespace(names, name);
}

async function extentIn(store: Pick<Store, 'namespaces' | 'names'>, filter: PointsFilter): Promise<Extent | undefined> {
  let extent: Extent | undefined;
  for (const namespace of await store.namespaces()) {
    if (!allowsNamespace(filter.namespaces, namespace)) continue;
    for (const { name, first, last } of await store.names(namespace)) {
      if (!isIncluded(filter, namespace, name)) continue;
      extent = {
        first: extent === undefined || first < extent.first ? first : extent.first,
        last: extent === undefined || last > extent.last ? last : extent.last,
      };
    }
  }
  if (extent === undefined) return undefined;
  const { from = extent.first, to = extent.last } = filter;
  const [first, last] = [from > extent.first ? from : extent.first, to < extent.last ? to : extent.last];
  return first > last ? undefined : { first, last };
}

/** Points in one write. */
const BATCH = 10_000;

/** What a transfer has to say about a batch that is durable. */
export interface Step {
  readonly points: readonly Point[];
  /** By their index among the points. */
  readonly refusals: readonly Refusal[];
}

/**
 * Writes points batch by batch, the next one being read meanwhile. Yields each batch once it is durable, in order.
 * @throws as the source and the sink do; what was yielded is durable, and of what follows any part may be
 */
export async function* transfer(source: AsyncIterable<readonly Point[]>, sink: Sink): AsyncGenerator<Step> {
  let writing: Promise<Step> | undefined;
  try {
    for await (const points of inBatches(source)) {
      const before = await writing;
      writing = write(points, sink);
      // A failure is met when the next batch is there; until then nobody else may take notice of it.
      writing.catch(() => undefined);
      if (before !== undefined) yield before;
    }
    const last = await writing;
    writing = undefined;
    if (last !== undefined) yield last;
  } finally {
    await writing?.catch(() => undefined);
  }
}

async function write(points: readonly Point[], sink: Sink): Promise<Step> {
  return { points, refusals: await sink.write(points) };
}

async function* inBatches(source: AsyncIterable<readonly Point[]>): AsyncGenerator<readonly Point[]> {
  let rest: readonly Point[] = [];
  for await (const points of source) {
    rest = rest.length === 0 ? points : [...rest, ...points];
    let start = 0;
    for (; rest.length - start >= BATCH; start += BATCH) yield rest.slice(start, start + BATCH);
    rest = rest.slice(start);
  }
  if (rest.length > 0) yield rest;
}

const FIRST_PAUSE = 200; // ms
const LONGEST_PAUSE = 30_000; // ms
/** Pauses before giving up: more than ten minutes in all. */
const MOST_PAUSES = 30;

export interface Persistence {
  /** Ends the waiting for a store that cannot take anything now. */
  readonly signal?: AbortSignal;
  /** Told why it waits, once for each reason. */
  readonly onWait?: (reason: string) => void;
  readonly pause?: (milliseconds: number) => Promise<unknown>;
}

/**
 * A sink that writes a batch again where it could not be taken now. Only for points with an identity: what a write that
 * failed has stored all the same must not count twice.
 */
export function persistent(sink: Sink, { signal, onWait, pause }: Persistence = {}): Sink {
  const wait = pause ?? ((milliseconds: number) => setTimeout(milliseconds, undefined, { ...(signal && { signal }) }));
  let told: string | undefined;
  return {
    async write(points) {
      for (let attempt = 0; ; attempt++) {
        try {
          return await sink.write(points);
        } catch (error) {
          if (!isPassing(error)) throw error;
          const reason = error.message.replace(FATE, '');
          if (attempt === MOST_PAUSES) throw new TrackingError(error.code, reason, { cause: error });
          if (reason !== told) onWait?.((told = reason));
          const backoff = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt);
          await wait(Math.max(backoff * (0.5 + Math.random() / 2), (error.retryAfter ?? 0) * 1000)).catch(
            () => undefined,
          );
          if (signal?.aborted === true)
            throw new TrackingError('unavailable', `Interrupted. ${reason}`, { cause: error });
        }
      }
    },
  };
}

/** What a store says of one write, which is tried again here. */
const FATE = / (?:Nothing of this request was stored|Its events may be stored)\.$/;

function isPassing(error: unknown): error is TrackingError {
  return (
    error instanceof TrackingError &&
    (error.code === 'unavailable' || error.code === 'too-many-requests') &&
    error.retryAfter !== undefined
  );
}

/** What becomes of points without an identity: one of their own, or that of samples. */
export type IdentityRule = 'own' | 'timestamp';

/**
 * The rows of a file, each with an identity: those that have none get one from the file's content and their number, so
 * that the file imported again adds nothing.
 * @param content - equal for equal files
 * @param done - how many rows to leave out at the beginning
 */
export async function* identifiedRows(
  rows: AsyncIterable<readonly Point[]>,
  { content, done, rule }: { readonly content: string; readonly done: number; readonly rule: IdentityRule },
): AsyncGenerator<readonly Point[]> {
  const identities = new RowIdentities(content);
  let number = 0;
  for await (const points of rows) {
    const first = number;
    number += points.length;
    if (number <= done) continue;
    const identified = points.map((point, index) =>
      point.identity.kind === 'none' ? withIdentity(point, rule, () => identities.of(first + index)) : point,
    );
    yield identified.slice(Math.max(0, done - first));
  }
}

function withIdentity({ series, time, value }: Point, rule: IdentityRule, own: () => Identity): Point {
  return { series, time, value, identity: rule === 'timestamp' ? SAMPLE : own() };
}

/** Hashes of a file's content and the numbers of its rows: a digest of 256 bits does for four of them. */
class RowIdentities {
  private four = -1;
  private digest = Buffer.alloc(0);

  constructor(private readonly content: string) {}

  of(number: number): Identity {
    const four = Math.floor(number / 4);
    if (four !== this.four) {
      this.four = four;
      this.digest = hash('sha256', `${this.content} ${four}`, 'buffer');
    }
    return placed(this.digest.readBigInt64BE((number % 4) * 8));
  }
}

/** The identity of a point that stays at its nanosecond. */
function placed(bits: bigint): Identity {
  return { kind: 'id', fingerprint: fingerprintOf(bits), placed: true };
}

/**
 * Gives points without an identity one from series, time, value and their ordinal among equals, so that they copied
 * again add nothing. It counts on points of one series that come in order of time.
 */
export class EqualPoints {
  private readonly latest = new Map<string, { readonly time: Nanoseconds; readonly values: Map<number, number> }>();

  async *identify(source: AsyncIterable<readonly Point[]>, rule: IdentityRule): AsyncGenerator<readonly Point[]> {
    for await (const points of source) yield points.map((point) => this.identifyOne(point, rule));
  }

  private identifyOne(point: Point, rule: IdentityRule): Point {
    if (point.identity.kind !== 'none') return point;
    return withIdentity(point, rule, () => {
      const words = `${point.time} ${point.value} ${this.ordinalOf(point)}`;
      return placed(hash('sha256', words, 'buffer').readBigInt64BE());
    });
  }

  private ordinalOf({ series, time, value }: Point): number {
    let here = this.latest.get(series.key);
    if (here?.time !== time) {
      here = { time, values: new Map() };
      this.latest.set(series.key, here);
    }
    const ordinal = here.values.get(value) ?? 0;
    here.values.set(value, ordinal + 1);
    return ordinal;
  }
}
