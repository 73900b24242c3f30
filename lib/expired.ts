import { TrackingError } from './errors.js';
import type { Store } from './store.js';
import { MILLISECOND, type Nanoseconds, toMilliseconds } from './time.js';

/** Events of one name that are older than they are kept. */
export interface Expired {
  readonly namespace: string;
  readonly name: string;
  /** The time of the oldest, or just before it, in whole milliseconds. */
  readonly first: Nanoseconds;
  /** From here on they are kept. */
  readonly end: Nanoseconds;
}

/** How many events are older than they are kept, and in how many namespaces. */
export interface ExpiredCount {
  readonly events: number;
  readonly namespaces: number;
}

/** How many seconds the events of a namespace are kept; undefined for ever. */
export type Rule = (namespace: string) => number | undefined;

/** The names with events that are older than they are kept. */
export async function* expiredNames(
  store: Pick<Store, 'namespaces' | 'names'>,
  kept: Rule,
  moment: Nanoseconds,
): AsyncGenerator<Expired, void, undefined> {
  for (const namespace of await store.namespaces()) {
    const seconds = kept(namespace);
    if (seconds === undefined) continue;
    // Whole milliseconds, as selections have them.
    const end = moment - BigInt(Math.ceil(seconds * 1000)) * MILLISECOND;
    for (const { name, first } of await store.names(namespace)) {
      if (first < end) yield { namespace, name, first: BigInt(toMilliseconds(first)) * MILLISECOND, end };
    }
  }
}

/**
 * Counts what is older than it is kept, exactly.
 * @param patience - milliseconds that it may take
 * @throws TrackingError `unavailable` where it takes longer, or as the store does
 */
export async function countExpired(
  store: Pick<Store, 'namespaces' | 'names' | 'aggregate'>,
  kept: Rule,
  moment: Nanoseconds,
  patience: number,
): Promise<ExpiredCount> {
  const signal = AbortSignal.timeout(patience);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(new TrackingError('unavailable', `The store did not count them within ${patience / 1000} seconds.`));
    });
  });
  return Promise.race([count(store, kept, moment, signal), late]);
}

async function count(
  store: Pick<Store, 'namespaces' | 'names' | 'aggregate'>,
  kept: Rule,
  moment: Nanoseconds,
  signal: AbortSignal,
): Promise<ExpiredCount> {
  let events = 0;
  const namespaces = new Set<string>();
  for await (const { namespace, name, first, end } of expiredNames(store, kept, moment)) {
    if (signal.aborted) break;
    const selection = { namespace, name, tags: {}, tsMin: first, tsMax: end };
    const windows = [{ start: first, length: end - first, count: 1 }];
    for await (const { values } of store.aggregate({ selection, windows, aggregations: ['count'] })) {
      events += values[0] ?? 0;
      namespaces.add(namespace);
    }
  }
  return { events, namespaces: namespaces.size };
}
