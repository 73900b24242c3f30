import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Selection } from '../aggregation.js';
import { TrackingError } from '../errors.js';
import type { Point } from '../event.js';
import type { Delivery } from '../store.js';
import { damaged, explainOpening, isFatal } from './failure.js';
import { KnownIdentities } from './identity.js';
import { checkLog } from './log.js';
import { Positions } from './positions.js';
import { Readers } from './readers.js';
import { prepareSchema } from './schema.js';
import { SeriesCatalog } from './series.js';
import { Writer } from './writer.js';

export interface DatabaseOptions {
  readonly path: string;
  /** What DuckDB's buffers may take, as DuckDB writes it: `256MB`. */
  readonly memoryLimit: string;
  /** How large the log grows before DuckDB moves it into the file, as DuckDB writes it: `16MB`. */
  readonly logLimit: string;
  /** Slots of four bytes for the identities that are known without asking. */
  readonly identitySlots: number;
  /** How many questions are answered at once. */
  readonly readers: number;
}

/** A second instance for one file in one process gets no error from DuckDB, and would ruin it. */
const openPaths = new Set<string>();

/** One instance of DuckDB with the file open, from its opening to its end or death. */
export class Database {
  private writer: Writer | undefined;
  private dead = false;
  private closed = false;

  private constructor(
    private readonly path: string,
    private readonly instance: DuckDBInstance,
    readonly catalog: SeriesCatalog,
    private readonly known: KnownIdentities,
    private readonly positions: Positions,
    readonly readers: Readers,
  ) {}

  /**
   * @param again - whether it was open before, so that a new file would hide that the old one is gone
   * @throws TrackingError `unavailable`, saying why the file cannot be opened and what to do
   */
  static async open(options: DatabaseOptions, again = false): Promise<Database> {
    const path = resolve(options.path);
    if (openPaths.has(path)) throw new TrackingError('unavailable', `${path} is open in this process already.`);
    if (!existsSync(path)) {
      if (existsSync(`${path}.wal`)) throw damaged(path, 'only its .wal file is there.');
      if (again) throw new TrackingError('unavailable', `${path} is gone. Put it back.`, { retryAfter: 5 });
    }
    checkLog(path);
    openPaths.add(path);
    let instance: DuckDBInstance | undefined;
    try {
      instance = await DuckDBInstance.create(path, settings(options));
      const connection = await instance.connect();
      await prepareSchema(connection, path);
      const catalog = await SeriesCatalog.load(connection);
      const positions = await Positions.load(connection);
      connection.disconnectSync();
      const known = new KnownIdentities(catalog.newest, options.identitySlots);
      return new Database(path, instance, catalog, known, positions, new Readers(instance, options.readers));
    } catch (error) {
      instance?.closeSync();
      openPaths.delete(path);
      throw explainOpening(error, path);
    }
  }

  /** Whether the instance is of no more use, and the file has to be opened anew. */
  get isDead(): boolean {
    return this.dead;
  }

  /** Takes notice of an error: some end the instance. */
  notice(error: unknown): void {
    this.dead ||= isFatal(error);
  }

  write(points: readonly Point[], delivery?: Delivery): Promise<void> {
    return this.useWriter(async (writer) => {
      if (!(await writer.write(points, delivery))) this.dead = true;
    });
  }

  /** Deletes the earliest of the selected points. @returns how many, none where no more are selected */
  deleteEarliest(selection: Selection): Promise<number> {
    return this.useWriter(async (writer) => {
      const { count, lives } = await writer.deleteEarliest(selection);
      if (!lives) this.dead = true;
      return count;
    });
  }

  /** Commits what is not kept, to see whether the disk takes it. */
  probe(): Promise<void> {
    return this.useWriter(async (writer) => {
      if (!(await writer.probe())) this.dead = true;
    });
  }

  /**
   * Ends questions that are not done within the grace, in milliseconds, and closes the file. What a checkpoint cannot
   * do now, because the disk is full or the instance dead, the log does when the file is opened again.
   */
  async close(grace: number): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.readers.close(grace);
    if (this.writer !== undefined) this.endWriter(this.writer);
    this.instance.closeSync();
    openPaths.delete(this.path);
  }

  private async useWriter<Result>(use: (writer: Writer) => Promise<Result>): Promise<Result> {
    try {
      this.writer ??= await Writer.open(await this.instance.connect(), this.catalog, this.known, this.positions);
      return await use(this.writer);
    } catch (error) {
      this.notice(error);
      if (this.writer !== undefined) this.endWriter(this.writer);
      throw error;
    }
  }

  private endWriter(writer: Writer): void {
    this.writer = undefined;
    try {
      writer.close();
    } catch (error) {
      this.notice(error);
    }
  }
}

function settings({ memoryLimit, logLimit }: DatabaseOptions): Record<string, string> {
  return {
    memory_limit: memoryLimit,
    checkpoint_threshold: logLimit,
    // A large commit would go past the log into the file where a checkpoint is due: then one that fails takes it along.
    auto_checkpoint_skip_wal_threshold: '1000000000000',
    // One processor is left to the event loop; a read of 3 M rows takes no longer on two threads than on one.
    threads: String(Math.max(1, Math.min(4, availableParallelism() - 1))),
    // Nothing is fetched from anywhere.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  };
}
