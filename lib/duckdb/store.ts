import type { EventsQuery, Selection } from '../aggregation.js';
import { TrackingError } from '../errors.js';
import type { Point } from '../event.js';
import type {
  Delivery,
  Extent,
  LatestPoint,
  NameSummary,
  PointsQuery,
  Refusal,
  Store,
  StoredEvent,
  WindowAggregate,
  WindowedQuestion,
} from '../store.js';
import { aggregateStatement } from './aggregate.js';
import { Database, type DatabaseOptions } from './database.js';
import { eventsOf } from './events.js';
import { explain, explainWriting, isDeviationTooGreat } from './failure.js';
import { abortable } from '../abortable.js';
import { latestStatement } from './latest.js';
import { pointsOf } from './points.js';
import { readersAllowed } from './readers.js';
import { type Columns, literal, type Statement } from './rows.js';
import { amongSeries, extentOf, type StoredSeries } from './series.js';

/** Only `path` must be given; the others suit a machine with two cores and 1 GB. */
export type DuckDBOptions = Pick<DatabaseOptions, 'path'> & Partial<DatabaseOptions>;

/** Squares of what is multiplied by this neither overflow nor, where they did before, matter less. */
const SCALE_OF_GREAT_DEVIATIONS = 2 ** -532;

/** How long a question may run on when the store is closed, in milliseconds. */
const GRACE = 3_000;

/** Events in one DuckDB file of this process. An instance that dies is opened anew behind the interface. */
export class DuckDBStore implements Store {
  private reopening: Promise<Database> | undefined;
  private closing: Promise<void> | undefined;
  /** Writes, probes and reopenings, one after the other. */
  private writing: Promise<unknown> = Promise.resolve();
  private lastWriteFailed = false;

  private constructor(
    private readonly options: DatabaseOptions,
    private database: Database,
  ) {}

  /**
   * Opens the file, or makes it where there is none.
   * @throws TrackingError `unavailable` where it is damaged, locked by another process or something else, with what to do
   */
  static async open(options: DuckDBOptions): Promise<DuckDBStore> {
    const all = {
      memoryLimit: '256MB',
      logLimit: '16MB',
      identitySlots: 1 << 23,
      readers: readersAllowed(),
      ...options,
    };
    return new DuckDBStore(all, await Database.open(all));
  }

  async write(points: readonly Point[], delivery?: Delivery): Promise<readonly Refusal[]> {
    await this.inTurn((database) => database.write(points, delivery));
    return [];
  }

  async delete(selection: Selection): Promise<number> {
    // A step is a turn of its own, so that one after which the instance died is followed by its successor.
    for (let deleted = 0; ;) {
      const step = await this.inTurn((database) => database.deleteEarliest(selection));
      if (step === 0) return deleted;
      deleted += step;
    }
  }

  async extent(selection: Selection): Promise<Extent | undefined> {
    const { catalog } = await this.live();
    const { tsMin, tsMax } = selection;
    const whole: Extent[] = [];
    const cut: StoredSeries[] = [];
    for (const series of catalog.select(selection)) {
      const { first, last } = series;
      if ((tsMin === undefined || first >= tsMin) && (tsMax === undefined || last < tsMax)) whole.push(series);
      else cut.push(series);
    }
    if (cut.length > 0) {
      for await (const [first = [], last = []] of this.ask(extentStatement(selection, cut))) {
        if (first[0] !== null) whole.push({ first: first[0] as bigint, last: last[0] as bigint });
      }
    }
    return extentOf(whole);
  }

  aggregate(question: WindowedQuestion): AsyncIterable<WindowAggregate> {
    return abortable((signal) => this.aggregates(question, 1, signal));
  }

  latest(selection: Selection, groupBy: string): AsyncIterable<LatestPoint> {
    return abortable((signal) => this.latestPoints(selection, groupBy, signal));
  }

  events(query: EventsQuery): AsyncIterable<StoredEvent> {
    return abortable((signal) => this.selected(query, signal));
  }

  points(query: PointsQuery): AsyncIterable<readonly Point[]> {
    return abortable((signal) => this.exported(query, signal));
  }

  async namespaces(): Promise<readonly string[]> {
    return (await this.live()).catalog.namespaces();
  }

  async names(namespace: string): Promise<readonly NameSummary[]> {
    return (await this.live()).catalog.names(namespace);
  }

  async check(): Promise<void> {
    for await (const _ of this.ask({ sql: 'SELECT 1', lists: {} }));
    // A disk that was full may have room again.
    if (this.lastWriteFailed) await this.inTurn((database) => database.probe());
  }

  close(): Promise<void> {
    this.closing ??= this.writing.then(async () => {
      await this.reopening?.catch(() => undefined);
      await this.database.close(GRACE);
    });
    return this.closing;
  }

  private async *aggregates(
    question: WindowedQuestion,
    scale: number,
    signal: AbortSignal,
  ): AsyncGenerator<WindowAggregate, void, undefined> {
    const { catalog } = await this.live();
    const statement = aggregateStatement(question, catalog.select(question.selection), scale);
    if (statement === undefined) return;
    let begun = false;
    try {
      for await (const columns of this.ask(statement, signal)) {
        begun = true;
        yield* statement.read(columns);
      }
    } catch (error) {
      if (begun || scale !== 1 || !isDeviationTooGreat(error)) throw error;
      yield* this.aggregates(question, SCALE_OF_GREAT_DEVIATIONS, signal);
    }
  }

  private async *latestPoints(
    selection: Selection,
    groupBy: string,
    signal: AbortSignal,
  ): AsyncGenerator<LatestPoint, void, undefined> {
    const { catalog } = await this.live();
    const statement = latestStatement(selection, groupBy, catalog.select(selection));
    if (statement === undefined) return;
    for await (const columns of this.ask(statement, signal)) yield* statement.read(columns);
  }

  private async *selected(query: EventsQuery, signal: AbortSignal): AsyncGenerator<StoredEvent, void, undefined> {
    const { catalog } = await this.live();
    yield* eventsOf(query, catalog, (statement) => this.ask(statement, signal));
  }

  private async *exported(query: PointsQuery, signal: AbortSignal): AsyncGenerator<readonly Point[], void, undefined> {
    const { catalog } = await this.live();
    yield* pointsOf(query, catalog, (statement) => this.ask(statement, signal));
  }

  /** The rows of a statement; asked again where the instance dies before the first. */
  private async *ask(statement: Statement, signal?: AbortSignal): AsyncGenerator<Columns, void, undefined> {
    for (let again = false; ; again = true) {
      const database = await this.live();
      let begun = false;
      try {
        for await (const columns of database.readers.stream(statement, signal)) {
          begun = true;
          yield columns;
        }
        return;
      } catch (error) {
        database.notice(error);
        if (begun || again || !database.isDead) throw explain(error);
      }
    }
  }

  /** Runs what writes when it is its turn. */
  private inTurn<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
    const turn = this.writing.then(async () => {
      const database = await this.live();
      this.lastWriteFailed = true;
      const result = await work(database).catch((error: unknown) => {
        throw explainWriting(error);
      });
      this.lastWriteFailed = false;
      return result;
    });
    this.writing = turn.catch(() => undefined);
    return turn;
  }

  /** The database, opened anew where it died. */
  private async live(): Promise<Database> {
    if (this.closing !== undefined) throw new TrackingError('unavailable', 'The database is closed.');
    if (this.database.isDead) {
      this.reopening ??= this.reopen().finally(() => {
        this.reopening = undefined;
      });
      await this.reopening;
    }
    return this.database;
  }

  private async reopen(): Promise<Database> {
    await this.database.close(0);
    this.database = await Database.open(this.options, true);
    return this.database;
  }
}

function extentStatement({ tsMin, tsMax }: Selection, series: readonly StoredSeries[]): Statement {
  const { condition, lists } = amongSeries(series);
  const conditions = [condition];
  if (tsMin !== undefined) conditions.push(`time >= ${literal(tsMin)}`);
  if (tsMax !== undefined) conditions.push(`time < ${literal(tsMax)}`);
  return { sql: `SELECT min(time), max(time) FROM points WHERE ${conditions.join(' AND ')}`, lists };
}
