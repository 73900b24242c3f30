import { hash } from 'node:crypto';
import { explainEvent, isTrackedEvent } from './event-rules.js';
import { type Mistake, TrackingError } from './errors.js';
import { type Nanoseconds, parseTimestamp } from './time.js';

/** An event as it is sent (`api.md`, Tracking). */
export interface TrackedEvent {
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339, or UNIX seconds; left out: the time of receipt. */
  readonly timestamp?: string | number;
  readonly value: number;
  readonly tags?: Tags;
  readonly id?: string;
}

export type Tags = Readonly<Record<string, string>>;

/** One combination of namespace, name and tags. */
export interface Series {
  readonly namespace: string;
  readonly name: string;
  /** Keys in order of code unit. */
  readonly tags: Tags;
  /** Equal for equal series, and only for them. */
  readonly key: string;
}

/** An event as it is stored. */
export interface Point {
  readonly series: Series;
  readonly time: Nanoseconds;
  readonly value: number;
  readonly identity: Identity;
}

/**
 * What makes two points of one series the same one:
 * - `none`: nothing does, each is itself;
 * - `sample`: an equal time, and the last value stays;
 * - `id`: an equal millisecond and id, and the first value stays. The fingerprint is a signed 64-bit hash of the time as
 *   it was sent and the id, never 0. `placed`: it comes out of a store, which may have moved it within its millisecond;
 *   where its nanosecond is free it stays there.
 */
export type Identity =
  | { readonly kind: 'none' }
  | { readonly kind: 'sample' }
  | { readonly kind: 'id'; readonly fingerprint: bigint; readonly placed?: true };

/** How the events of one request become points. */
export interface Reception {
  /** The time of events that bring none. */
  readonly receivedAt: Nanoseconds;
  /** `sample`: series and timestamp are the identity of each event. */
  readonly identity: 'event' | 'sample';
  /** Gives each event without an id the id `KEY#index`. */
  readonly idempotencyKey?: string;
}

export const MAX_EVENTS_PER_REQUEST = 10_000;
/** Of the mistakes in one request, how many are put in words. */
export const MAX_MISTAKES_LISTED = 100;

/** The identity of an event that is only itself. */
export const ITSELF: Identity = Object.freeze({ kind: 'none' });
/** The identity of every sample. */
export const SAMPLE: Identity = Object.freeze({ kind: 'sample' });

const NO_TAGS: Tags = Object.freeze({});

/**
 * Reads the events of one request, all or nothing.
 * @param events - whatever the body held, one element an event
 * @throws TrackingError as `readEach`
 */
export function readEvents(events: readonly unknown[], reception: Reception): Point[] {
  return readEach(events, (event, index) => {
    if (!isTrackedEvent(event)) return () => explainEvent(event);
    const mistaken = mistakesInReception(event, reception);
    return mistaken === undefined ? toPoint(event, index, reception) : () => [mistaken];
  });
}

/**
 * Reads each event of a request in whatever form, all or nothing.
 * @param read - the point that an event is, or what says its mistakes: words take time, and nobody reads thousands of them
 * @throws TrackingError `invalid` with every bad event by index and path (the first 100 mistakes, and the number of bad events), or
 *   `too-large` where there are more than 10,000
 */
export function readEach<Item>(
  items: readonly Item[],
  read: (item: Item, index: number) => Point | (() => readonly Mistake[]),
): Point[] {
  if (items.length > MAX_EVENTS_PER_REQUEST) {
    throw new TrackingError(
      'too-large',
      `A request may carry at most ${String(MAX_EVENTS_PER_REQUEST)} events, and this one has ${String(items.length)}. Send them in several.`,
    );
  }
  const points: Point[] = [];
  const bad: number[] = [];
  const mistakes: Mistake[] = [];
  items.forEach((item, index) => {
    const result = read(item, index);
    if (typeof result !== 'function') {
      points.push(result);
      return;
    }
    bad.push(index);
    if (mistakes.length < MAX_MISTAKES_LISTED) mistakes.push(...result().map((mistake) => ({ index, ...mistake })));
  });
  if (bad.length > 0) throw badEvents(items.length, bad.length, mistakes);
  return points;
}

function badEvents(all: number, bad: number, mistakes: readonly Mistake[]): TrackingError {
  const listed = mistakes.slice(0, MAX_MISTAKES_LISTED);
  return new TrackingError('invalid', `Nothing was stored: ${bad} of ${all} event(s) are not right.`, {
    mistakes: listed,
    mistakeCount: Math.max(bad, listed.length),
  });
}

function mistakesInReception(event: TrackedEvent, reception: Reception): Mistake | undefined {
  if (reception.identity === 'sample') {
    if (event.id !== undefined) {
      return { path: 'id', message: 'id and identity=timestamp exclude each other: leave one of them out' };
    }
    if (event.timestamp === undefined) {
      return { path: 'timestamp', message: 'timestamp is required with identity=timestamp' };
    }
  } else if (reception.idempotencyKey !== undefined && event.timestamp === undefined) {
    return {
      path: 'timestamp',
      message: 'timestamp is required with an Idempotency-Key: a time of receipt would differ at the retry',
    };
  }
  return undefined;
}

function toPoint(event: TrackedEvent, index: number, reception: Reception): Point {
  const { timestamp } = event;
  const time = timestamp === undefined ? reception.receivedAt : parseTimestamp(timestamp);
  return {
    series: seriesOf(event.namespace, event.name, event.tags),
    time,
    value: event.value === 0 ? 0 : event.value, // -0 and 0 are one number to the people who read them
    identity: identityOf(event, index, time, reception),
  };
}

function identityOf(event: TrackedEvent, index: number, time: Nanoseconds, reception: Reception): Identity {
  if (reception.identity === 'sample') return SAMPLE;
  if (event.id !== undefined) return identityOfId(event.id, time);
  if (reception.idempotencyKey === undefined) return ITSELF;
  return identityOfId(`${reception.idempotencyKey}#${String(index)}`, time);
}

/** The identity of an event with an id, at its exact time. */
export function identityOfId(id: string, time: Nanoseconds): Identity {
  return { kind: 'id', fingerprint: fingerprintOf(hash('sha256', `${String(time)} ${id}`, 'buffer').readBigInt64BE()) };
}

/** 64 bits of a hash as a fingerprint, which is never 0. */
export function fingerprintOf(bits: bigint): bigint {
  return bits === 0n ? 1n : bits;
}

/** The series of a namespace, a name and tags in any order. */
export function seriesOf(namespace: string, name: string, tags: Tags = NO_TAGS): Series {
  // No name holds a control character, so NUL keeps the parts apart.
  let key = `${namespace}\0${name}`;
  const keys = Object.keys(tags);
  if (keys.length === 0) return { namespace, name, tags: NO_TAGS, key };
  keys.sort();
  const entries = keys.map((tagKey): [string, string] => [tagKey, tags[tagKey] ?? '']);
  for (const [tagKey, value] of entries) key += `\0${tagKey}\0${value}`;
  return { namespace, name, tags: Object.fromEntries(entries), key };
}

/** Makes the series of one namespace and tags by their names, so that thousands of them share what they have in common. */
export function seriesByName(namespace: string, tags: Tags): (name: string) => Series {
  const common = seriesOf(namespace, '', tags);
  const keyOfTags = common.key.slice(namespace.length + 1);
  return (name) => ({ namespace, name, tags: common.tags, key: `${namespace}\0${name}${keyOfTags}` });
}
