import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';

const PACKAGE = 'vega-datasets@3.2.1';

/** The number of flights in the file. */
export const FLIGHTS = 3_000_000;

/**
 * Three million flights within the United States in the first half of 2001, from npm's `vega-datasets` (BSD-3-Clause),
 * got once and kept in a cache.
 * @returns the path of a Parquet file with `date`, `delay` in minutes, `distance`, `origin` and `destination`, in
 *   order of time
 */
export async function flightsFile(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tracking-api', 'datasets');
  const file = join(cache, 'node_modules', 'vega-datasets', 'data', 'flights-3m.parquet');
  if (!existsSync(file)) {
    await mkdir(cache, { recursive: true });
    const install = ['install', '--prefix', cache, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', PACKAGE];
    await promisify(execFile)('npm', install);
  }
  return file;
}

/** DuckDB with the flights as a view `flights` of `number`, `seconds`, `delay` and `origin`. */
export async function openFlights(): Promise<DuckDBConnection> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const file = (await flightsFile()).replaceAll("'", "''");
  await connection.run(`
    CREATE VIEW flights AS
    SELECT file_row_number AS number, epoch(date)::BIGINT AS seconds, delay::DOUBLE AS delay, origin
    FROM read_parquet('${file}', file_row_number = true)`);
  return connection;
}

/** How each flight is told from all others: by its row in the file, or not at all. */
export type FlightIdentity = 'row' | 'none';

/** The flights as events, one line of NDJSON each, in batches. */
export async function* flightLines(
  connection: DuckDBConnection,
  batch: number,
  identity: FlightIdentity,
): AsyncGenerator<{ readonly lines: string; readonly count: number }> {
  const result = await connection.stream('SELECT number, seconds, delay, origin FROM flights ORDER BY number');
  let lines: string[] = [];
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const [numbers = [], seconds = [], delays = [], origins = []] = chunk.getColumns();
    for (let row = 0; row < chunk.rowCount; row++) {
      const id = identity === 'row' ? `,"id":"${String(numbers[row])}"` : '';
      lines.push(
        `{"namespace":"Flights","name":"delay","timestamp":${String(seconds[row])},"value":${String(delays[row])},"tags":{"origin":"${String(origins[row])}"}${id}}`,
      );
      if (lines.length < batch) continue;
      yield { lines: lines.join('\n'), count: lines.length };
      lines = [];
    }
  }
  if (lines.length > 0) yield { lines: lines.join('\n'), count: lines.length };
}
