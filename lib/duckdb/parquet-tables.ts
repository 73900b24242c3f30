import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';
import type { Point, Series } from '../event.js';

/** Rows after which a transaction ends, so that the log can move into the file. */
const ROWS_A_TRANSACTION = 200_000;

/** The points of a Parquet file to be, in tables: each series once, as names in every row would take most of the time. */
export class ParquetTables {
  private readonly ids = new Map<string, number>();
  private rows = 0;

  /** What a Parquet file holds, as SQL. */
  static readonly ROWS = `
    SELECT namespace, name, make_timestamp_ns(time) AS timestamp, value, tags::JSON::MAP(VARCHAR, VARCHAR) AS tags,
      fingerprint IS NOT DISTINCT FROM 0 AS sample, nullif(fingerprint, 0) AS fingerprint
    FROM points JOIN series ON id = series`;

  private constructor(
    private readonly points: DuckDBAppender,
    private readonly series: DuckDBAppender,
  ) {}

  static async create(connection: DuckDBConnection): Promise<ParquetTables> {
    await connection.run(`
      CREATE TABLE series (id INTEGER, namespace VARCHAR, name VARCHAR, tags VARCHAR);
      CREATE TABLE points (time BIGINT, series INTEGER, value DOUBLE, fingerprint BIGINT)`);
    return new ParquetTables(await connection.createAppender('points'), await connection.createAppender('series'));
  }

  append(points: readonly Point[]): void {
    for (const { series, time, value, identity } of points) {
      this.points.appendBigInt(time);
      this.points.appendInteger(this.idOf(series));
      this.points.appendDouble(value);
      if (identity.kind === 'none') this.points.appendNull();
      else this.points.appendBigInt(identity.kind === 'sample' ? 0n : identity.fingerprint);
      this.points.endRow();
    }
    this.rows += points.length;
    if (this.rows < ROWS_A_TRANSACTION) return;
    this.points.flushSync();
    this.rows = 0;
  }

  close(): void {
    this.series.closeSync();
    this.points.closeSync();
  }

  private idOf({ key, namespace, name, tags }: Series): number {
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = this.ids.size;
    this.ids.set(key, id);
    this.series.appendInteger(id);
    this.series.appendVarchar(namespace);
    this.series.appendVarchar(name);
    this.series.appendVarchar(JSON.stringify(tags));
    this.series.endRow();
    return id;
  }
}
