import { setImmediate } from 'node:timers/promises';
import type { DuckDBConnection, DuckDBInstance, DuckDBResult } from '@duckdb/node-api';
import { TrackingError } from '../errors.js';
import { bindings, type Columns, type Statement } from './rows.js';

/** Chunks of up to 2,048 rows that are read ahead, so that ordinary answers wait for no one to take them. */
const CHUNKS_AHEAD = 32;

/** How many reads may run at once: each holds a thread of libuv's pool while it works, and a commit needs one too. */
export function readersAllowed(): number {
  return Math.max(1, Math.min(2, Number(process.env.UV_THREADPOOL_SIZE ?? 4) - 2));
}

/** Runs a few reads at once; others wait in line. Four heavy ones at once made a commit wait for 3.4 s. */
export class Readers {
  private readonly idle: Reader[] = [];
  private readonly busy = new Set<Reader>();
  private readonly line: (() => void)[] = [];
  private running = 0;
  private closed = false;

  constructor(
    private readonly instance: DuckDBInstance,
    private readonly allowed: number,
  ) {}

  /**
   * The rows of a statement, some thousand at a time. A consumer that stops early, or a signal that aborts, ends the
   * work in the database and makes room for the next read.
   */
  async *stream(statement: Statement, signal?: AbortSignal): AsyncGenerator<Columns, void, undefined> {
    const reader = await this.take();
    if (signal?.aborted === true) {
      this.giveBack(reader);
      return;
    }
    let ended = false;
    const interrupt = (): void => {
      // Somebody else may have it by then.
      if (!ended) reader.interrupt();
    };
    signal?.addEventListener('abort', interrupt);
    try {
      await reader.run(statement);
      for (let ahead: Columns[] = []; !ended; ahead = []) {
        while (!ended && ahead.length < CHUNKS_AHEAD) {
          signal?.throwIfAborted();
          const columns = await reader.fetch();
          if (columns === undefined) ended = true;
          else ahead.push(columns);
        }
        if (ended) this.giveBack(reader);
        for (const [position, columns] of ahead.entries()) {
          // Rows that are there already would be taken without a turn of the event loop for anybody else.
          if (position > 0) await setImmediate();
          yield columns;
        }
      }
    } finally {
      signal?.removeEventListener('abort', interrupt);
      if (!ended) {
        reader.close();
        this.giveBack(reader);
      }
    }
  }

  /** Interrupts what still runs after the grace, in milliseconds, and ends all connections. */
  async close(grace: number): Promise<void> {
    this.closed = true;
    for (const resume of this.line.splice(0)) resume();
    const deadline = performance.now() + grace;
    while (this.busy.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
    await Promise.all([...this.busy].map((reader) => reader.revoke()));
    for (const reader of this.idle.splice(0)) reader.close();
  }

  private async take(): Promise<Reader> {
    if (this.running >= this.allowed && !this.closed) await new Promise<void>((resume) => this.line.push(resume));
    else this.running++;
    if (this.closed) throw closing();
    try {
      const reader = this.idle.pop() ?? new Reader(await this.instance.connect());
      this.busy.add(reader);
      return reader;
    } catch (error) {
      this.callNext();
      throw error;
    }
  }

  private giveBack(reader: Reader): void {
    this.busy.delete(reader);
    if (!reader.isClosed) this.idle.push(reader);
    this.callNext();
  }

  private callNext(): void {
    const resume = this.line.shift();
    if (resume === undefined) this.running--;
    else resume();
  }
}

/** A connection that reads one answer at a time. */
class Reader {
  private answer: DuckDBResult | undefined;
  private working: Promise<unknown> | undefined;
  private revoked = false;
  isClosed = false;

  constructor(private readonly connection: DuckDBConnection) {}

  async run({ sql, lists }: Statement): Promise<void> {
    this.answer = await this.work(() => this.connection.stream(sql, ...bindings(lists)));
  }

  /** The next rows, or nothing where there are no more. */
  async fetch(): Promise<Columns | undefined> {
    const { answer } = this;
    const chunk = answer && (await this.work(() => answer.fetchChunk()));
    return chunk === undefined || chunk === null || chunk.rowCount === 0 ? undefined : chunk.getColumns();
  }

  interrupt(): void {
    if (!this.isClosed) this.connection.interrupt();
  }

  /** Takes the connection away from whoever reads with it. */
  async revoke(): Promise<void> {
    this.revoked = true;
    this.interrupt();
    await this.working?.catch(() => undefined);
    this.close();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.answer = undefined;
    this.connection.disconnectSync();
  }

  private async work<T>(start: () => Promise<T>): Promise<T> {
    if (this.revoked) throw closing();
    const working = start();
    this.working = working;
    return working;
  }
}

function closing(): TrackingError {
  return new TrackingError('unavailable', 'The database is being closed.', { retryAfter: 5 });
}
