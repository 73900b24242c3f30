import type { DuckDBConnection } from '@duckdb/node-api';
import { TrackingError } from '../errors.js';
import { rowsOf } from './rows.js';

const VERSION = 1;

/**
 * What lies in the file. No unique index: write-ahead logs that would not replay after a kill are reported with them.
 *
 * - `points.time`: nanoseconds since 1970, UTC. Rows lie in the order of their arrival, which is nearly that of time:
 *   DuckDB keeps the least and the greatest time of every 122,880 rows and skips those that a question is not about.
 * - `points.fingerprint`: null for an event that is only itself, 0 for a sample (known again by series and time), else
 *   that of its id, known again by series, millisecond and fingerprint.
 * - `series.tags`: a JSON object of strings. There is no series without points.
 */
const TABLES = `
  CREATE TABLE tracking (version INTEGER NOT NULL);
  INSERT INTO tracking VALUES (${String(VERSION)});
  CREATE TABLE series (id INTEGER NOT NULL, namespace VARCHAR NOT NULL, name VARCHAR NOT NULL, tags VARCHAR NOT NULL);
  CREATE TABLE points (time BIGINT NOT NULL, series INTEGER NOT NULL, value DOUBLE NOT NULL, fingerprint BIGINT);`;

/**
 * `deliveries.sequence`: of each partition of the queue the last delivery whose points are there. The first release that
 * knew no queue made files without it, and reads those that have it; so their version is the same.
 */
const DELIVERIES = 'CREATE TABLE IF NOT EXISTS deliveries (partition VARCHAR NOT NULL, sequence BIGINT NOT NULL);';

/**
 * Makes the tables of a new file, or checks those of an old one.
 * @throws TrackingError `unavailable` where the file holds something else, or comes from a later release
 */
export async function prepareSchema(connection: DuckDBConnection, path: string): Promise<void> {
  const tables = await rowsOf(connection, 'SELECT table_name FROM duckdb_tables() WHERE NOT temporary');
  if (tables.length === 0) {
    await connection.run(`BEGIN; ${TABLES} ${DELIVERIES} COMMIT;`);
    return;
  }
  if (!tables.some(([name]) => name === 'tracking')) {
    throw new TrackingError('unavailable', `${path} is a DuckDB database, but not one of ours. Choose another path.`);
  }
  const [row] = await rowsOf(connection, 'SELECT max(version) FROM tracking');
  if (row?.[0] !== VERSION) {
    throw new TrackingError(
      'unavailable',
      `${path} was written by another release (its format is ${String(row?.[0])}, ours ${String(VERSION)}). Run that release.`,
    );
  }
  await connection.run(DELIVERIES);
}
