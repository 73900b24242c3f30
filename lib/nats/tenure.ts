import type { QueueConsumer } from '../queue.js';
import type { Connection } from './connection.js';
import type { RefusedPoints } from './dead-letters.js';
import { isLost, type Position } from './position.js';
import type { Session } from './stream.js';

/** What the partitions of an instance share. */
export interface PartitionWork {
  readonly connection: Connection;
  readonly consumer: QueueConsumer;
  /** Keeps what the store refused; resolved means durable. */
  readonly keep: (refused: RefusedPoints) => Promise<void>;
  /** @throws TrackingError `unavailable` where the other instances may hold this one for dead */
  readonly assertAlive: () => void;
  readonly onProblem: (message: string, error: unknown) => void;
}

/** The time in which a reader holds its partition, and what it may do in it. */
export interface Tenure {
  /** Told apart from every other that reads this partition, or has read it. */
  readonly holder: string;
  readonly number: number;
  readonly work: PartitionWork;
  /** @throws where the partition is lost, or NATS away */
  readonly session: () => Session;
  /** @throws where others have the partition, or may hold this instance for dead */
  readonly assertHeld: () => void;
  /** Another has the partition, and nothing may be changed any more. */
  readonly lose: () => void;
  /** Tries until it succeeds; throws only where this reader has to end. */
  readonly persist: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/** Keeps what has to be known if the delivery under way is repeated. */
export async function keep({ lose, assertHeld }: Tenure, position: Position, bytes: Uint8Array): Promise<void> {
  await position.record(bytes).catch((error: unknown) => {
    if (isLost(error)) lose();
    throw error;
  });
  assertHeld();
}
