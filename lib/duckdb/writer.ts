import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';
import type { Selection } from '../aggregation.js';
import type { Point } from '../event.js';
import type { Delivery } from '../store.js';
import { MILLISECOND } from '../time.js';
import { Batch } from './batch.js';
import { Deletion } from './deletion.js';
import { isDurableAllTheSame, isRolledBack, UncertainCommit } from './failure.js';
import { storedFingerprint } from './fingerprint.js';
import type { KnownIdentities } from './identity.js';
import type { Positions } from './positions.js';
import { literal } from './rows.js';
import type { SeriesCatalog } from './series.js';

/**
 * The next transaction begins where the one before ends. One that has touched nothing holds nothing, and to begin it
 * apart costs a turn of an event loop that is full of requests: 128 of them take 6 ms, more than the sync itself.
 */
const COMMIT = 'COMMIT; BEGIN';

/**
 * Writes batches, each in one transaction through appenders that stay open: 1.1 M rows/s in batches of 10,000, where
 * prepared statements row by row reach 186.
 */
export class Writer {
  private constructor(
    private readonly connection: DuckDBConnection,
    private readonly points: DuckDBAppender,
    private readonly series: DuckDBAppender,
    private readonly suspects: DuckDBAppender,
    private readonly catalog: SeriesCatalog,
    private readonly known: KnownIdentities,
    private readonly positions: Positions,
  ) {}

  static async open(
    connection: DuckDBConnection,
    catalog: SeriesCatalog,
    known: KnownIdentities,
    positions: Positions,
  ): Promise<Writer> {
    await connection.run(`
      CREATE TEMP TABLE suspects (
        position INTEGER NOT NULL, time BIGINT NOT NULL, series INTEGER NOT NULL, value DOUBLE NOT NULL,
        fingerprint BIGINT NOT NULL
      )`);
    const points = await connection.createAppender('points');
    const series = await connection.createAppender('series');
    const suspects = await connection.createAppender('suspects', 'main', 'temp');
    await connection.run('BEGIN');
    return new Writer(connection, points, series, suspects, catalog, known, positions);
  }

  /**
   * Writes the points, wholly or not at all, and none where they are delivered again; resolved means durable. After an
   * error the writer is of no more use: close it, which rolls back.
   * @returns whether the instance lives on: the commit may be done and the checkpoint after it have found a full disk
   */
  async write(points: readonly Point[], delivery?: Delivery): Promise<boolean> {
    if (delivery && this.positions.isPast(delivery)) return true;
    const batch = new Batch(points, this.catalog);
    const suspects = await this.known.suspects(batch, this.connection);
    this.append(batch, suspects);
    if (suspects.length > 0) await this.settle(batch, suspects);
    if (delivery) await this.positions.advance(delivery, this.connection);
    const lives = await this.commit();
    batch.committed();
    if (delivery) this.positions.committed(delivery);
    return lives;
  }

  /**
   * Deletes the earliest of the selected points, some hundred thousand at most; resolved means durable.
   * @returns how many, none where no more are selected, and whether the instance lives on
   */
  async deleteEarliest(selection: Selection): Promise<{ readonly count: number; readonly lives: boolean }> {
    const deletion = await Deletion.ofEarliest(selection, this.catalog, this.connection);
    if (deletion === undefined) return { count: 0, lives: true };
    const lives = await this.commit();
    deletion.committed();
    return { count: deletion.count, lives };
  }

  /**
   * Commits as much as a great batch takes, and away with it: whether the disk takes writes. (A change that changes
   * nothing would not get as far as the disk.)
   * @returns whether the instance lives on
   */
  async probe(): Promise<boolean> {
    await this.connection.run('CREATE OR REPLACE TABLE probe AS FROM range(65536)');
    if (!(await this.commit())) return false;
    await this.connection.run('DROP TABLE probe');
    return this.commit();
  }

  /** Ends the connection and with it an open transaction. */
  close(): void {
    for (const appender of [this.points, this.series, this.suspects]) {
      // Rows that are left in an appender would be written when it is collected.
      appender.clear();
      appender.closeSync();
    }
    this.connection.disconnectSync();
  }

  private append(batch: Batch, suspects: readonly number[]): void {
    for (const { id, series } of batch.newSeries) {
      this.series.appendInteger(id);
      this.series.appendVarchar(series.namespace);
      this.series.appendVarchar(series.name);
      this.series.appendVarchar(JSON.stringify(series.tags));
      this.series.endRow();
    }
    if (batch.newSeries.length > 0) this.series.flushSync();

    let next = 0;
    batch.points.forEach(({ time, value, identity }, index) => {
      if (suspects[next] === index) {
        next++;
        return;
      }
      this.points.appendBigInt(time);
      this.points.appendInteger(batch.seriesAt(index).id);
      this.points.appendDouble(value);
      if (identity.kind === 'none') this.points.appendNull();
      else this.points.appendBigInt(storedFingerprint(identity));
      this.points.endRow();
    });
    this.points.flushSync();
  }

  /**
   * Asks the table about the suspects, which by now holds the others of this batch too: of an id the first value stays,
   * of a sample the last.
   */
  private async settle(batch: Batch, suspects: readonly number[]): Promise<void> {
    let least: bigint | undefined;
    let greatest: bigint | undefined;
    let samples = false;
    for (const index of suspects) {
      const point = batch.points[index];
      if (point === undefined || point.identity.kind === 'none') continue;
      const { time, value, identity } = point;
      if (least === undefined || time < least) least = time;
      if (greatest === undefined || time > greatest) greatest = time;
      samples ||= identity.kind === 'sample';
      this.suspects.appendInteger(index);
      this.suspects.appendBigInt(time);
      this.suspects.appendInteger(batch.seriesAt(index).id);
      this.suspects.appendDouble(value);
      this.suspects.appendBigInt(storedFingerprint(identity));
      this.suspects.endRow();
    }
    this.suspects.flushSync();
    const [from, to] = [(least ?? 0n) - MILLISECOND, (greatest ?? 0n) + MILLISECOND];
    const range = `points.time BETWEEN ${literal(from)} AND ${literal(to)}`;
    if (samples) await this.connection.run(correctSamples(range));
    await this.connection.run(insertMissing(range));
    await this.connection.run('TRUNCATE suspects');
  }

  private async commit(): Promise<boolean> {
    try {
      await this.connection.run(COMMIT);
      return true;
    } catch (error) {
      if (isDurableAllTheSame(error)) return false;
      throw isRolledBack(error) ? error : new UncertainCommit(error);
    }
  }
}

function correctSamples(range: string): string {
  return `
    UPDATE points SET value = correction.value
    FROM (
      SELECT time, series, arg_max(value, position) AS value FROM suspects WHERE fingerprint = 0 GROUP BY time, series
    ) AS correction
    WHERE points.time = correction.time AND points.series = correction.series AND points.fingerprint = 0
      AND points.value <> correction.value AND ${range}`;
}

function insertMissing(range: string): string {
  return `
    INSERT INTO points
    SELECT time, series, value, fingerprint
    FROM (
      SELECT series, fingerprint, ${momentOf('suspects')} AS moment, arg_min(time, position) AS time,
        CASE fingerprint WHEN 0 THEN arg_max(value, position) ELSE arg_min(value, position) END AS value
      FROM suspects GROUP BY series, fingerprint, moment
    ) AS suspect
    WHERE NOT EXISTS (
      FROM points
      WHERE ${momentOf('points')} = suspect.moment AND points.series = suspect.series
        AND points.fingerprint = suspect.fingerprint AND ${range}
    )
    ORDER BY time`;
}

/**
 * The part of a row's time that makes it the same point: all of a sample's, and of an event with an id the millisecond,
 * for it may come out of a store that moved it within. (The remainder is negative before 1970.)
 */
function momentOf(table: string): string {
  const time = `${table}.time`;
  return `CASE ${table}.fingerprint WHEN 0 THEN ${time} ELSE ${time} - (${time} % 1000000 + 1000000) % 1000000 END`;
}
