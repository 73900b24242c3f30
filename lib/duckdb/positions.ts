import { BIGINT, type DuckDBConnection, VARCHAR } from '@duckdb/node-api';
import type { Delivery } from '../store.js';
import { rowsOf } from './rows.js';

type Position = Pick<Delivery, 'partition' | 'sequence'>;

/**
 * How far each partition of the queue is written. The position commits with the points of a delivery, so that whatever
 * dies, either both are there or neither is, and a repeated delivery is known by its number: nothing has to be recorded
 * beforehand.
 */
export class Positions {
  private constructor(private readonly sequences: Map<string, number>) {}

  static async load(connection: DuckDBConnection): Promise<Positions> {
    // A letter for the byte order mark that the driver drops.
    const rows = await rowsOf(connection, "SELECT 'x' || partition, sequence FROM deliveries");
    return new Positions(
      new Map((rows as [string, bigint][]).map(([partition, sequence]) => [partition.slice(1), Number(sequence)])),
    );
  }

  /** Whether the points of a delivery are there already. */
  isPast({ partition, sequence }: Position): boolean {
    return sequence <= (this.sequences.get(partition) ?? -Infinity);
  }

  /** Moves on in the transaction under way. */
  async advance({ partition, sequence }: Position, connection: DuckDBConnection): Promise<void> {
    await connection.run(
      this.sequences.has(partition)
        ? 'UPDATE deliveries SET sequence = $sequence WHERE partition = $partition'
        : 'INSERT INTO deliveries VALUES ($partition, $sequence)',
      { partition, sequence: BigInt(sequence) },
      { partition: VARCHAR, sequence: BIGINT },
    );
  }

  /** Takes notice that the transaction is durable. */
  committed({ partition, sequence }: Position): void {
    this.sequences.set(partition, sequence);
  }
}
