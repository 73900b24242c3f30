import type { Nanoseconds } from './time.js';
import type { Granularity, Weekday } from './window.js';

/** One number made from the values of a window. */
export type Aggregation = 'avg' | 'min' | 'max' | 'sum' | 'count' | 'first' | 'last' | 'median' | 'stddev' | Percentile;

/** `p1` to `p99.9`. Like the median (p50) they interpolate linearly between the two nearest values. */
export type Percentile = `p${number}`;

/** How windows without events are filled, between the first and the last event of the range. */
export type Fill = 'none' | 'null' | 'zero' | 'previous' | 'linear';

/** Which events a question is about. */
export interface Selection {
  readonly namespace: string;
  readonly name: string;
  /** Included; whole milliseconds. Left out: from the first event. */
  readonly tsMin?: Nanoseconds;
  /** Excluded; whole milliseconds. Left out: to the last event. */
  readonly tsMax?: Nanoseconds;
  /** For each key the values that are wanted: an event must have one of them for every key. */
  readonly tags: Readonly<Record<string, readonly string[]>>;
}

/** A question for aggregates, or with granularity `none` for the events themselves (`api.md`, Aggregation). */
export interface AggregationQuery {
  readonly selection: Selection;
  readonly granularity: Granularity;
  readonly aggregations: readonly Aggregation[];
  readonly weekStart: Weekday;
  /** An IANA name. */
  readonly timezone: string;
  readonly groupBy?: string;
  readonly fill: Fill;
  /** At most so many rows a page. */
  readonly limit: number;
  /** Where the page before ended. */
  readonly cursor?: string;
}

/** A question for events as they are, in order of time. */
export interface EventsQuery {
  readonly selection: Selection;
  /**
   * Where to begin: at the events of exactly this time (in nanoseconds as stored), without the first `skip` of them.
   * The order among events of one time is stable as long as none is added there.
   */
  readonly from?: { readonly time: Nanoseconds; readonly skip: number };
  /** Left out: all. */
  readonly limit?: number;
}
