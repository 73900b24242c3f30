import { TrackingError } from './errors.js';
import type { Point } from './event.js';
import type { Refusal } from './store.js';

export interface IngestOptions {
  /** Points that may wait for the write under way; beyond it requests get 503. */
  readonly maxWaiting: number;
  /** Points in one write. A request is never split. */
  readonly maxBatch: number;
  /** Milliseconds after which a request that still waits gets 503. */
  readonly timeout: number;
}

interface Request {
  readonly points: readonly Point[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

type Write = (points: readonly Point[]) => Promise<readonly Refusal[]>;

/**
 * From accepted to durable, by group commit: whatever arrives while one write is under way goes out as the next one,
 * so that one sync of the disk serves every request that waited for it. One write at a time, in order of arrival.
 */
export class Ingest {
  private waiting: Request[] = [];
  private waitingPoints = 0;
  private writing: Promise<void> | undefined;
  private closed = false;

  constructor(
    private readonly write: Write,
    private readonly options: IngestOptions,
  ) {}

  /**
   * Resolves once the points are durable.
   * @throws TrackingError `unavailable` where the store cannot take them now (they may be stored all the same),
   *   `unprocessable` where it will never take some of them; those are named by index, and the others are stored
   */
  accept(points: readonly Point[]): Promise<void> {
    if (points.length === 0) return Promise.resolve();
    if (this.closed)
      return Promise.reject(new TrackingError('unavailable', 'The service is stopping.', { retryAfter: 5 }));
    if (this.waitingPoints > 0 && this.waitingPoints + points.length > this.options.maxWaiting) {
      return Promise.reject(
        new TrackingError(
          'unavailable',
          'More events wait for the store than may. Nothing of this request was stored.',
          {
            retryAfter: 1,
          },
        ),
      );
    }
    return new Promise((resolve, reject) => {
      const request: Request = {
        points,
        resolve,
        reject,
        timer: setTimeout(() => {
          this.giveUp(request);
        }, this.options.timeout),
      };
      this.waiting.push(request);
      this.waitingPoints += points.length;
      // A turn of the event loop later, so that requests that arrived together go out together.
      this.writing ??= new Promise<void>((start) => setImmediate(start)).then(() => this.run());
    });
  }

  /** How many points wait for a write. */
  get backlog(): number {
    return this.waitingPoints;
  }

  /** Takes no more, and resolves when all that was accepted is written and answered. */
  async close(): Promise<void> {
    this.closed = true;
    await this.writing;
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) await this.writeOnce(this.takeBatch());
    this.writing = undefined;
  }

  private takeBatch(): Request[] {
    let size = 0;
    let end = 0;
    while (end < this.waiting.length) {
      size += this.waiting[end]?.points.length ?? 0;
      if (end > 0 && size > this.options.maxBatch) break;
      end++;
    }
    return this.waiting.splice(0, end);
  }

  private async writeOnce(batch: readonly Request[]): Promise<void> {
    const points = batch.length === 1 && batch[0] ? batch[0].points : batch.flatMap((request) => request.points);
    try {
      const refusals = await this.write(points);
      settle(batch, refusals);
    } catch (error) {
      const failure =
        error instanceof TrackingError
          ? error
          : new TrackingError('unavailable', 'The store failed; the log of the service says why.', {
              retryAfter: 5,
              cause: error,
            });
      for (const request of batch) request.reject(failure);
    } finally {
      for (const request of batch) clearTimeout(request.timer);
      this.waitingPoints -= points.length;
    }
  }

  /** A request that is still in line leaves it; one whose write is under way may be stored later. */
  private giveUp(request: Request): void {
    const position = this.waiting.indexOf(request);
    if (position >= 0) {
      this.waiting.splice(position, 1);
      this.waitingPoints -= request.points.length;
    }
    const fate = position >= 0 ? 'Nothing of this request was stored.' : 'Its events may be stored later.';
    request.reject(new TrackingError('unavailable', `The store did not answer in time. ${fate}`, { retryAfter: 5 }));
  }
}

/** Answers each request of a batch with what befell its own points. */
function settle(batch: readonly Request[], refusals: readonly Refusal[]): void {
  if (refusals.length === 0) {
    for (const request of batch) request.resolve();
    return;
  }
  let start = 0;
  for (const request of batch) {
    const end = start + request.points.length;
    const first = start;
    const own = refusals.filter(({ index }) => index >= first && index < end);
    if (own.length === 0) request.resolve();
    else {
      request.reject(
        new TrackingError(
          'unprocessable',
          `The database refuses ${String(own.length)} of ${String(request.points.length)} event(s); the others are stored.`,
          { mistakes: own.map(({ index, reason }) => ({ index: index - first, message: reason })) },
        ),
      );
    }
    start = end;
  }
}
