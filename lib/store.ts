import type { Aggregation, EventsQuery, Selection } from './aggregation.js';
import type { Point, Tags } from './event.js';
import type { Nanoseconds } from './time.js';
import type { WindowRun } from './window.js';

/**
 * What a database does for us. Every store passes `test/store.contract.ts`.
 *
 * All methods throw TrackingError `unavailable` where the database cannot be reached or cannot take more.
 */
export interface Store {
  /**
   * Writes points; resolved means durable: they survive a kill of this process and of the database. The caller never
   * has two writes under way (`ingest.ts` sees to that).
   *
   * A point whose identity is there already changes nothing (`id`) or replaces the value (`sample`), also among the
   * points of one call: of two equal ids the first counts, of two equal samples the last. Points without an identity
   * all count.
   * @param delivery - where the points come from a queue: then written again they count once, whatever their identity
   * @returns the points that the database will never take, each with the reason; all others are durable
   */
  write(points: readonly Point[], delivery?: Delivery): Promise<readonly Refusal[]>;

  /**
   * Deletes the selected points; resolved means that they are gone for good and no answer counts them. The caller has no
   * write under way meanwhile. A deleted event that is sent again is a new one, also with its old id.
   * @param assertHeld - where the deletion comes from a queue: see `Delivery.assertHeld`
   * @returns how many there were, exactly
   */
  delete(selection: Selection, assertHeld?: () => void): Promise<number>;

  /** The first and the last time among the selected points, or nothing where there are none. */
  extent(selection: Selection): Promise<Extent | undefined>;

  /**
   * Aggregates the selected points in each window that holds any, in order of group (as the strings compare by code
   * unit, points without the tag first) and then of time. The windows may reach beyond the selection's range; only
   * points within both count.
   *
   * Stopping early (`return()` of the iterator) ends the work in the database.
   */
  aggregate(question: WindowedQuestion): AsyncIterable<WindowAggregate>;

  /**
   * The last of the selected points of each value of a tag, in no order; points without the tag are left out. Of several
   * in one last millisecond it may be any.
   */
  latest(selection: Selection, groupBy: string): AsyncIterable<LatestPoint>;

  /** The selected points as they are, in order of time; streamed, a few thousand in memory at a time. */
  events(query: EventsQuery): AsyncIterable<StoredEvent>;

  /**
   * All points that a query is about with their exact times and their identities (`id` with its fingerprint), some
   * thousand at a time: slice of time after slice of time, and in each those of one series in order of time. A store
   * that cannot tell samples from events without an identity gives `none`.
   */
  points(query: PointsQuery): AsyncIterable<readonly Point[]>;

  /** All namespaces that hold points, sorted by code unit. */
  namespaces(): Promise<readonly string[]>;

  /** All names of a namespace, sorted by code unit; none for an unknown namespace. */
  names(namespace: string): Promise<readonly NameSummary[]>;

  /** Resolves where the database answers and can take writes; throws with the reason where not. */
  check(): Promise<void>;

  /** Ends every connection and file. Afterwards every method throws `unavailable`; closing twice is no error. */
  close(): Promise<void>;
}

/** Which points are exported. */
export interface PointsQuery {
  /** Whether the points of a namespace and name belong to it; left out: all do. */
  readonly includes?: (namespace: string, name: string) => boolean;
  /** Included. */
  readonly from?: Nanoseconds;
  /** Excluded. */
  readonly to?: Nanoseconds;
}

/**
 * What makes a write of queued points repeatable. A queue delivers the points of one partition in order, one delivery at a
 * time; after a crash it delivers the last one again, with exactly the same points, before any other. A store keeps with
 * the points that they are there, or records beforehand where they will be.
 */
export interface Delivery {
  readonly partition: string;
  /** Greater than that of every delivery of the partition before it. */
  readonly sequence: number;
  /** Another one after each take-over: what was known before of the partition's points need not be so any more. */
  readonly tenure: string;
  /** What was recorded for this same delivery before a crash. */
  readonly recorded?: Uint8Array;
  /**
   * Keeps what the store has to know if the delivery is repeated; resolved means durable, and replaces what was recorded
   * for the partition before.
   * @throws TrackingError `unavailable` where somebody else has taken over the partition: then nothing may be written
   */
  record(plan: Uint8Array): Promise<void>;
  /**
   * To be called before anything is sent to a database that others write to as well, at each try: this process may have
   * been paused since, or have tried for long.
   * @throws where others may have the partition by now; then nothing may be written
   */
  readonly assertHeld: () => void;
}

/** The part of a store that answers questions. */
export type Reader = Pick<Store, 'extent' | 'aggregate' | 'latest' | 'events' | 'namespaces' | 'names'>;

/** A point that the database will never take. */
export interface Refusal {
  /** Its index among the points of the call. */
  readonly index: number;
  readonly reason: string;
}

export interface Extent {
  readonly first: Nanoseconds;
  readonly last: Nanoseconds;
}

export interface WindowedQuestion {
  readonly selection: Selection;
  /** In order of time, without overlap. */
  readonly windows: readonly WindowRun[];
  readonly aggregations: readonly Aggregation[];
  /** A tag key: one list of windows per value of it. */
  readonly groupBy?: string;
}

/** One aggregate per aggregation asked, in their order; null where it is not defined (`stddev` of one event). */
export interface WindowAggregate {
  /** The value of the `groupBy` tag; undefined without `groupBy` and for points without that tag. */
  readonly group: string | undefined;
  /** The window's start. */
  readonly start: Nanoseconds;
  readonly values: readonly (number | null)[];
}

export interface LatestPoint {
  /** The value of the `groupBy` tag. */
  readonly group: string;
  /** As stored; on InfluxDB it may have moved within its millisecond. */
  readonly time: Nanoseconds;
  readonly value: number;
}

export interface StoredEvent {
  /** As stored; on InfluxDB it may have moved within its millisecond, so show milliseconds. */
  readonly time: Nanoseconds;
  readonly value: number;
  readonly tags: Tags;
}

export interface NameSummary extends Extent {
  readonly name: string;
  readonly tagKeys: readonly string[];
}
