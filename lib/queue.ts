import type { Selection } from './aggregation.js';
import type { TrackedEvent, Point } from './event.js';
import type { Delivery, Refusal } from './store.js';

/**
 * What a queue does for us: it stands between the front door and the store, so that events are taken while the database
 * is slow, away or being replaced.
 *
 * All methods throw TrackingError `unavailable` where the queue cannot be reached or has no room.
 */
export interface Queue {
  /** Resolved means durable: the points survive a kill of this process and of the queue. All of them, or none. */
  publish(points: readonly Point[]): Promise<void>;

  /**
   * Deletes behind all points published before.
   * @returns how many there were, once it is done
   */
  delete(selection: Selection): Promise<number>;

  /** Begins to hand over what is queued, as far as no other instance does, one partition's deliveries in order. */
  feed(consumer: QueueConsumer): void;

  /** What is queued and not in the store yet. */
  lag(): Promise<Lag>;

  /** Notes what is queued by now. @returns what tells, whenever it is asked, whether all of that is in the store */
  horizon(): Promise<() => Promise<boolean>>;

  readonly deadLetters: DeadLetters;

  /** How often it has lost something that it had acknowledged, as far as can be known. */
  readonly losses: number;

  /** Answers all who wait for deletions that are queued: that these will be carried out, and that we are stopping. */
  abandon(): void;

  /**
   * Resolves where the queue takes and gives points; throws with the reason where not.
   * @returns what whoever runs it should know all the same, in sentences: what waits, dead letters, how safe they are
   */
  check(): Promise<string | undefined>;

  /** Hands over nothing more, waits for the delivery under way, and ends every connection. */
  close(): Promise<void>;
}

/** Where queued points go: the store, one call at a time. */
export interface QueueConsumer {
  write(points: readonly Point[], delivery: Delivery): Promise<readonly Refusal[]>;
  /**
   * @param assertHeld - see `Delivery.assertHeld`
   * @returns how many events the deletion was about, over all its tries
   */
  delete(selection: Selection, progress: DeletionProgress, assertHeld: () => void): Promise<number>;
}

/** What makes the number of a deletion exact that fails part-way and is tried again. */
export interface DeletionProgress {
  /** What was recorded at an earlier try. */
  readonly counted?: number;
  /** Keeps how many events it is about, before the first one goes; resolved means durable. */
  record(count: number): Promise<void>;
}

export interface Lag {
  readonly events: number;
  /** Since the oldest of them was accepted. */
  readonly seconds: number;
}

/** What the database will never take, kept with the reason. */
export interface DeadLetters {
  count(): Promise<number>;
  /**
   * The oldest first, of those that there were when the first page was asked for.
   * @param limit - how many at most, up to 1,000
   * @param cursor - the `next` of the page before; left out: the first one
   */
  page(limit: number, cursor?: string): Promise<DeadLetterPage>;
  find(id: string): Promise<DeadLetter | undefined>;
  /** Queues it once more and takes it out of here. @returns whether there was one */
  retry(id: string): Promise<boolean>;
  /** @returns whether there was one */
  drop(id: string): Promise<boolean>;
}

export interface DeadLetterPage {
  readonly letters: readonly DeadLetter[];
  /** Left out where none follow. */
  readonly next?: string;
}

export interface DeadLetter {
  readonly id: string;
  readonly event: TrackedEvent;
  readonly reason: string;
  /** RFC 3339: when it was refused. */
  readonly refusedAt: string;
}
