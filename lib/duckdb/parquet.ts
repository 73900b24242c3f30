import { createReadStream } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import type { Archive } from '../archive.js';
import type { Point } from '../event.js';
import { readParquet } from './parquet-reader.js';
import { ParquetTables } from './parquet-tables.js';

export const PARQUET_COMPRESSIONS = ['zstd', 'gzip', 'snappy', 'none'] as const;
export type ParquetCompression = (typeof PARQUET_COMPRESSIONS)[number];

/**
 * Parquet files, written and read by a DuckDB of its own. Columns: `namespace`, `name`, `timestamp` (TIMESTAMP_NS),
 * `value`, `tags` (MAP of strings), `sample` (whether it is one) and `fingerprint` (that of an event with an id).
 * @param options.folder - where there is room for the file and as much again while it is written; left out: the
 *   system's folder for temporary files
 */
export function parquetArchive(options: {
  readonly compression: ParquetCompression;
  readonly folder?: string;
}): Archive {
  const { compression, folder = tmpdir() } = options;
  return {
    write: (points, output) =>
      withScratch(folder, async (scratch) => {
        const file = join(scratch.folder, 'points.parquet');
        await writeFile(scratch.connection, points, file, compression);
        await pipeline(createReadStream(file), output, { end: false });
      }),
    read,
  };
}

async function writeFile(
  connection: DuckDBConnection,
  points: AsyncIterable<readonly Point[]>,
  file: string,
  compression: ParquetCompression,
): Promise<void> {
  const tables = await ParquetTables.create(connection);
  for await (const batch of points) tables.append(batch);
  tables.close();
  const codec = compression === 'none' ? 'uncompressed' : compression;
  // On one thread rows keep their order all the same, and are not held back for it.
  await connection.run(`
    SET preserve_insertion_order = false;
    COPY (${ParquetTables.ROWS}) TO ${quoted(file)}
      (FORMAT parquet, COMPRESSION ${codec}, ROW_GROUP_SIZE ${String(ROWS_A_GROUP)})`);
}

async function* read(path: string, follow?: (fraction: number) => void): AsyncGenerator<readonly Point[]> {
  const scratch = await openScratch(tmpdir());
  try {
    // DuckDB takes a path with brackets, asterisks or question marks for a pattern, so the file gets a plain name.
    const plain = join(scratch.folder, 'read.parquet');
    await symlink(resolve(path), plain);
    yield* readParquet(scratch.connection, quoted(plain), follow);
  } finally {
    await scratch.close();
  }
}

/** A group is in memory as a whole when it is written, sixteen long tags a row included. */
const ROWS_A_GROUP = 20_480;

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function withScratch(folder: string, use: (scratch: Scratch) => Promise<void>): Promise<void> {
  const scratch = await openScratch(folder);
  try {
    await use(scratch);
  } finally {
    await scratch.close();
  }
}

interface Scratch {
  readonly folder: string;
  readonly connection: DuckDBConnection;
  close(): Promise<void>;
}

/** A folder of its own with a DuckDB in it, so that memory is bounded whatever the number of points. */
async function openScratch(parent: string): Promise<Scratch> {
  const folder = await mkdtemp(join(parent, 'tracking-parquet-'));
  try {
    const instance = await DuckDBInstance.create(join(folder, 'scratch.duckdb'), SETTINGS);
    const connection = await instance.connect();
    // Files of others may have times with a zone, which are cast in that of the session.
    await connection.run("SET TimeZone = 'UTC'");
    return {
      folder,
      connection,
      close: async () => {
        connection.disconnectSync();
        instance.closeSync();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

const SETTINGS = {
  memory_limit: '96MB',
  threads: '1',
  checkpoint_threshold: '64MB',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
};
