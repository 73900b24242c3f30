import type { AggregationQuery } from './aggregation.js';
import type { Tags } from './event.js';
import type { Store } from './store.js';
import type { Nanoseconds } from './time.js';

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

/**
 * Answers a question, page by page.
 * @throws TrackingError `unprocessable` where there would be more than 100,000 windows or 1,000 groups, `invalid` for
 *   a cursor that is none of ours
 */
export declare function answer(store: Store, query: AggregationQuery): Promise<Page>;
