import type { CommunicationObserver } from '@influxdata/influxdb-client';
import { failureOf, silence } from './failure.js';
import { type Row, RowReader } from './rows.js';

/** So many rows wait at most; beyond them the connection is paused until they are fetched. */
const MAX_WAITING = 1000;

/** Gathers the rows of an answer as its lines come in; line by line through async iterators they cost twice as much. */
export class Answer {
  private waiting: Row[] = [];
  private readonly reader = new RowReader();
  private finished = false;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;
  private resume: (() => void) | undefined;

  /** What the client tells of the answer. */
  readonly observer: CommunicationObserver<string> = {
    next: (text) => {
      // An answer that ends while it is paused is told as one line (client 1.35.0, chunksToLines.ts, complete).
      if (text.includes('\n')) for (const line of linesOf(text)) this.read(line);
      else this.read(text);
      this.wake?.();
      return this.waiting.length < MAX_WAITING;
    },
    error: (error) => {
      this.failure = error;
      this.wake?.();
    },
    complete: () => {
      this.finished = true;
      if (this.reader.error !== undefined) this.failure = failureOf(400, this.reader.error, undefined);
      this.wake?.();
    },
    useResume: (resume) => {
      this.resume = resume;
    },
  };

  /**
   * The rows that have come in since, at least one; nothing where there are no more.
   * @param timeout - milliseconds to wait for them
   * @throws TrackingError `unavailable` where none came in time; whatever the connection failed with
   */
  async fetch(timeout: number): Promise<readonly Row[] | undefined> {
    if (this.waiting.length === 0) await this.something(timeout);
    if (this.waiting.length === 0) {
      if (this.failure !== undefined) throw this.failure;
      return undefined;
    }
    const rows = this.waiting;
    this.waiting = [];
    const { resume } = this;
    this.resume = undefined;
    resume?.();
    return rows;
  }

  private read(line: string): void {
    const row = this.reader.read(line);
    if (row) this.waiting.push(row);
  }

  private async something(timeout: number): Promise<void> {
    if (this.finished || this.failure !== undefined) return;
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => {
          reject(silence());
        }, timeout);
        this.wake = () => {
          if (this.waiting.length > 0 || this.finished || this.failure !== undefined) resolve();
        };
      });
    } finally {
      clearTimeout(timer);
      this.wake = undefined;
    }
  }
}

/** Lines end where no quoted cell is open. */
function linesOf(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const part of text.split(/\r?\n/)) {
    line = line === '' ? part : `${line}\n${part}`;
    if (line.split('"').length % 2 === 0) continue;
    lines.push(line);
    line = '';
  }
  return lines;
}
