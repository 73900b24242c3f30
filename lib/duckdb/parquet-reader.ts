import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import {
  badRow,
  exactValue,
  identityOfFingerprint,
  ROWS_AT_A_TIME,
  type SeriesWords,
  SeriesWordsCache,
  tagsOfJson,
} from '../archive.js';
import { messageOf, TrackingError } from '../errors.js';
import { type Identity, ITSELF, type Point, SAMPLE } from '../event.js';
import { inRange } from '../time.js';
import { rowsOf } from './rows.js';

const REQUIRED = ['namespace', 'name', 'timestamp', 'value'];

/**
 * The points of a Parquet file in its order, some thousand at a time. `tags`, `sample` and `fingerprint` may be lacking,
 * and `timestamp` may be called `time`, as in files of former releases.
 * @param file - its path as an SQL string
 * @param follow - told how much of it is read, from 0 to 1
 * @throws TrackingError `invalid` where it is no Parquet file, is cut off, lacks a column or has a bad row
 */
export async function* readParquet(
  connection: DuckDBConnection,
  file: string,
  follow: (fraction: number) => void = () => undefined,
): AsyncGenerator<readonly Point[]> {
  const cache = new SeriesWordsCache();
  const rows = await parquet(() => countOf(connection, file));
  let points: Point[] = [];
  let number = 0;
  for await (const columns of chunksOf(connection, file)) {
    for (let row = 0; row < (columns[0]?.length ?? 0); row++) {
      number++;
      try {
        points.push(pointOf(columns, row, cache));
      } catch (error) {
        throw badRow(`row ${number}`, error);
      }
    }
    follow(number / rows);
    if (points.length < ROWS_AT_A_TIME) continue;
    yield points;
    points = [];
  }
  if (points.length > 0) yield points;
}

async function countOf(connection: DuckDBConnection, file: string): Promise<number> {
  const [row] = await rowsOf(connection, `SELECT num_rows::DOUBLE FROM parquet_file_metadata(${file})`);
  return Number(row?.[0] ?? 0);
}

async function* chunksOf(connection: DuckDBConnection, file: string): AsyncGenerator<DuckDBValue[][]> {
  const answer = await parquet(async () => connection.stream(await statementFor(connection, file)));
  for (;;) {
    const chunk = await parquet(() => answer.fetchChunk());
    if (chunk === null || chunk.rowCount === 0) return;
    yield chunk.getColumns();
  }
}

/** What DuckDB has to say about a file is about the file, which people may have brought from anywhere. */
async function parquet<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof TrackingError) throw error;
    throw new TrackingError('invalid', `is cut off, damaged or no Parquet file (${reasonOf(error)})`, { cause: error });
  }
}

/** In DuckDB's words, without the name that the file has here. */
function reasonOf(error: unknown): string {
  const [line = ''] = messageOf(error).split('\n');
  return line
    .replace(/^[A-Z][\w ]* Error: /, '')
    .replace(/ ?\b(?:(?:of|at end of|in) )?file ['"][^'"]*['"]:? ?/i, ' ')
    .trim();
}

/** The driver drops a byte order mark in front of a text, so a letter goes before it. */
async function statementFor(connection: DuckDBConnection, file: string): Promise<string> {
  const described = await rowsOf(connection, `DESCRIBE SELECT * FROM read_parquet(${file})`);
  const names = described.map(([name]) => name);
  const time = names.includes('timestamp') || !names.includes('time') ? 'timestamp' : 'time';
  const missing = REQUIRED.filter((name) => !names.includes(name) && !(name === 'timestamp' && time === 'time'));
  if (missing.length > 0) {
    throw new TrackingError(
      'invalid',
      `must have the columns ${REQUIRED.join(', ')}, and where wanted tags, sample and fingerprint, and lacks ${missing.join(', ')}`,
    );
  }
  const optional = (name: string, expression: string): string => (names.includes(name) ? expression : 'NULL');
  return `
    SELECT 'x' || namespace::VARCHAR, 'x' || name::VARCHAR, epoch_ns(${time}::TIMESTAMP_NS), value::DOUBLE,
      ${optional('tags', "'x' || to_json(tags)::VARCHAR")}, ${optional('sample', 'sample::BOOLEAN')},
      ${optional('fingerprint', 'fingerprint::BIGINT')}
    FROM read_parquet(${file})`;
}

function pointOf(columns: DuckDBValue[][], row: number, cache: SeriesWordsCache): Point {
  const [namespace, name, time, value, tags, sample, fingerprint] = columns.map((column) => column[row] ?? null);
  if (typeof namespace !== 'string' || typeof name !== 'string') throw lacking('namespace and name');
  if (typeof time !== 'bigint') throw lacking('timestamp');
  if (typeof value !== 'number') throw lacking('value');
  return {
    series: cache.get(`${namespace}\0${name}\0${typeof tags === 'string' ? tags : ''}`, seriesWords),
    time: timeOf(time),
    value: exactValue(value),
    identity: identityOf(sample, fingerprint),
  };
}

function lacking(what: string): TrackingError {
  return new TrackingError('invalid', `${what} must not be null`);
}

function timeOf(time: bigint): bigint {
  try {
    return inRange(time);
  } catch (error) {
    throw error instanceof TrackingError ? new TrackingError('invalid', `timestamp ${error.message}`) : error;
  }
}

function identityOf(sample: DuckDBValue | undefined, fingerprint: DuckDBValue | undefined): Identity {
  if (sample === true) return SAMPLE;
  return typeof fingerprint === 'bigint' ? identityOfFingerprint(fingerprint) : ITSELF;
}

function seriesWords(words: string): SeriesWords {
  const [namespace = '', name = '', tags = ''] = words.split('\0');
  return {
    namespace: namespace.slice(1),
    name: name.slice(1),
    ...(tags === '' ? {} : { tags: tagsOfJson(tags.slice(1)) }),
  };
}
