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
 * Parquet files, written and read by a DuckDB of its own. Columns: `namespace`, `name`, `time` (TIMESTAMP_NS), `value`,
 * `tags` (MAP of strings), `sample` (whether it is one) and `fingerprint` (that of an event with an id).
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
      withScratch(folder, async (scratch, connection) => {
        const file = join(scratch, 'points.parquet');
        await writeFile(connection, points, file, compression);
        await pipeline(createReadStream(file), output, { end: false });
      }),
    read: (path) => read(folder, path),
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
  await connection.run(`COPY (${ParquetTables.ROWS}) TO ${quoted(file)} (FORMAT parquet, COMPRESSION ${codec})`);
}

async function* read(folder: string, path: string): AsyncGenerator<readonly Point[]> {
  const { scratch, connection, close } = await openScratch(folder);
  try {
    // DuckDB takes a path with brackets, asterisks or question marks for a pattern, so the file gets a plain name.
    const plain = join(scratch, 'read.parquet');
    await symlink(resolve(path), plain);
    yield* readParquet(connection, quoted(plain));
  } finally {
    await close();
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function withScratch(
  folder: string,
  use: (scratch: string, connection: DuckDBConnection) => Promise<void>,
): Promise<void> {
  const { scratch, connection, close } = await openScratch(folder);
  try {
    await use(scratch, connection);
  } finally {
    await close();
  }
}

interface Scratch {
  readonly scratch: string;
  readonly connection: DuckDBConnection;
  close(): Promise<void>;
}

/** A folder of its own with a DuckDB in it, so that memory is bounded whatever the number of points. */
async function openScratch(folder: string): Promise<Scratch> {
  const scratch = await mkdtemp(join(folder, 'tracking-parquet-'));
  try {
    const instance = await DuckDBInstance.create(join(scratch, 'scratch.duckdb'), SETTINGS);
    const connection = await instance.connect();
    return {
      scratch,
      connection,
      close: async () => {
        connection.disconnectSync();
        instance.closeSync();
        await rm(scratch, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(scratch, { recursive: true, force: true });
    throw error;
  }
}

const SETTINGS = {
  memory_limit: '128MB',
  threads: '1',
  checkpoint_threshold: '64MB',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
};
