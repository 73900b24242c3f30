import { dirname, resolve } from 'node:path';
import type { Archive } from '../archive.js';
import { csv } from '../archives/csv.js';
import { ndjson } from '../archives/ndjson.js';
import { textArchive } from '../archives/text.js';
import type { ParquetCompression } from '../duckdb/parquet.js';
import { TrackingError } from '../errors.js';
import { lineProtocol } from '../influxdb/line-archive.js';

export const FORMATS = ['ndjson', 'csv', 'lp', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];
export const COMPRESSIONS = ['none', 'gzip', 'zstd', 'snappy'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

export interface ArchiveOptions {
  readonly format?: Format;
  readonly compression?: Compression;
}

const ENDINGS: Readonly<Record<string, Format>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  csv: 'csv',
  lp: 'lp',
  parquet: 'parquet',
};
const LINES = { ndjson, csv, lp: lineProtocol } as const;

/**
 * The archive that the options ask for, or else the ending of the file's name, or else NDJSON.
 * @param file - nothing for standard output or standard input
 * @throws TrackingError `invalid` where neither says it, or where the format cannot be compressed so
 */
export async function archiveOf(file: string | undefined, { format, compression }: ArchiveOptions): Promise<Archive> {
  const chosen = format ?? (file === undefined ? 'ndjson' : formatOf(file));
  const gzip = file?.endsWith('.gz') === true;
  if (chosen === 'parquet') {
    if (gzip) {
      throw new TrackingError('invalid', 'Parquet compresses its own pages: leave out .gz, and choose --compression.');
    }
    const { parquetArchive } = await import('../duckdb/parquet.js');
    return parquetArchive({
      ...parquetOptions(compression),
      ...(file === undefined ? {} : { folder: folderOf(file) }),
    });
  }
  if (compression === 'zstd' || compression === 'snappy') {
    throw new TrackingError(
      'invalid',
      `Text formats are compressed with gzip; ${compression} is for Parquet alone. Choose --compression gzip, or --format parquet.`,
    );
  }
  return textArchive(LINES[chosen], { gzip: compression === undefined ? gzip : compression === 'gzip' });
}

function parquetOptions(compression: Compression = 'zstd'): { readonly compression: ParquetCompression } {
  return { compression };
}

function folderOf(file: string): string {
  return dirname(resolve(file));
}

function formatOf(file: string): Format {
  const ending = /\.([^./]+?)(?:\.gz)?$/.exec(file)?.[1]?.toLowerCase();
  const format = ending !== undefined && Object.hasOwn(ENDINGS, ending) ? ENDINGS[ending] : undefined;
  if (format !== undefined) return format;
  throw new TrackingError(
    'invalid',
    `The name of ${file} does not tell its format: say --format ${FORMATS.join(', ')}.`,
  );
}
