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
  /** Told once of the bytes that came with each request, when nothing keeps its points any more. */
  readonly release?: (bytes: number, sender: string) => void;
}

interface Request {
  readonly points: readonly Point[];
  readonly sender: string;
  /** What it is to be released with. */
  readonly bytes: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
}

/** What is to run between two writes. */
interface Work {
  run(): Promise<void>;
  reject(error: unknown): void;
  /** On the clock of `performance.now()`: when it need not begin any more. */
  readonly deadline: number;
}

/** Of all that may wait, how much may be one sender's: none can shut the others out. */
const MAX_SHARE = 0.8;

/** Milliseconds between two looks at who has waited too long. */
const MAX_SWEEP_PAUSE = 100;

type Write = (points: readonly Point[]) => Promise<readonly Refusal[]>;

/**
 * From accepted to durable, by group commit: whatever arrives while one write is under way goes out as the next one,
 * so that one sync of the disk serves every request that waited for it. One write at a time, in order of arrival.
 */
export class Ingest {
  private waiting: Request[] = [];
  private waitingPoints = 0;
  private readonly pointsOf = new Map<string, number>();
  private writing: Promise<void> | undefined;
  private underWay: readonly Request[] = [];
  private accepted = 0;
  private closed = false;
  /** What waits to run between two writes. */
  private readonly between: Work[] = [];
  private sweep: NodeJS.Timeout | undefined;

  constructor(
    private readonly write: Write,
    private readonly options: IngestOptions,
  ) {}

  /**
   * Resolves once the points are durable.
   * @param sender - the application: none may fill all the room there is
   * @param bytes - what is released when the points have left, also where they are refused
   * @throws TrackingError `unavailable` where the store cannot take them now (they may be stored all the same),
   *   `too-many-requests` where too many of this sender wait,
   *   `unprocessable` where it will never take some of them; those are named by index, and the others are stored
   */
  accept(points: readonly Point[], sender = '', bytes = 0): Promise<void> {
    const refusal = points.length === 0 ? 'nothing' : this.refusalOf(points.length, sender);
    if (refusal !== undefined) {
      this.options.release?.(bytes, sender);
      return refusal === 'nothing' ? Promise.resolve() : Promise.reject(refusal);
    }
    return new Promise((resolve, reject) => {
      this.waiting.push({ points, sender, bytes, resolve, reject, deadline: performance.now() + this.options.timeout });
      this.count(sender, points.length);
      this.start();
    });
  }

  /**
   * Runs what must not meet a write, such as a deletion, between two of them.
   * @throws TrackingError `unavailable` where its turn does not come in time, or the service is stopping; and as the
   *   work throws
   */
  exclusive<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.closed) return Promise.reject(stopping());
    return new Promise((resolve, reject) => {
      const deadline = performance.now() + this.options.timeout;
      this.between.push({ run: () => settled(work).then(resolve, reject), reject, deadline });
      this.start();
    });
  }

  /** How many points became durable since the start. */
  get acceptedPoints(): number {
    return this.accepted;
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

  /**
   * Takes no more, and refuses at once all that waits: whoever sent it learns of it while there is still time. A write
   * that is under way goes on.
   */
  abandon(): void {
    this.closed = true;
    for (const request of this.underWay) request.reject(stopping(' Its events may be stored later.'));
    for (const request of this.waiting.splice(0)) {
      request.reject(stopping(' Nothing of this request was stored.'));
      this.leave(request);
    }
    for (const work of this.between.splice(0)) work.reject(stopping());
  }

  private refusalOf(points: number, sender: string): TrackingError | undefined {
    if (this.closed) return stopping();
    const { maxWaiting } = this.options;
    const own = this.pointsOf.get(sender) ?? 0;
    if (own > 0 && own + points > maxWaiting * MAX_SHARE) {
      return new TrackingError(
        'too-many-requests',
        `${own} events of this application wait for the store already. Nothing of this request was stored.`,
        { retryAfter: 1 },
      );
    }
    if (this.waitingPoints > 0 && this.waitingPoints + points > maxWaiting) {
      return new TrackingError(
        'unavailable',
        'More events wait for the store than may. Nothing of this request was stored.',
        {
          retryAfter: 1,
        },
      );
    }
    return undefined;
  }

  /** Notes that so many points of a sender wait, or no longer do. */
  private count(sender: string, points: number): void {
    this.waitingPoints += points;
    const own = (this.pointsOf.get(sender) ?? 0) + points;
    if (own > 0) this.pointsOf.set(sender, own);
    else this.pointsOf.delete(sender);
  }

  private leave({ points, sender, bytes }: Request): void {
    this.count(sender, -points.length);
    this.options.release?.(bytes, sender);
  }

  private start(): void {
    // A turn of the event loop later, so that requests that arrived together go out together.
    this.writing ??= new Promise<void>((start) => setImmediate(start)).then(() => this.run());
  }

  private async run(): Promise<void> {
    // One timer for all, for it is set and cleared once a write and not once a request.
    const pause = Math.min(this.options.timeout, MAX_SWEEP_PAUSE);
    this.sweep ??= setInterval(() => {
      this.giveUpLate();
    }, pause);
    for (;;) {
      const work = this.between.shift();
      if (work !== undefined) await work.run();
      if (this.waiting.length > 0) await this.writeOnce(this.takeBatch());
      else if (this.between.length === 0) break;
    }
    clearInterval(this.sweep);
    this.sweep = undefined;
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
    this.underWay = batch;
    try {
      const refusals = await this.write(points);
      this.accepted += points.length - refusals.length;
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
      this.underWay = [];
      for (const request of batch) this.leave(request);
    }
  }

  /** Requests that are still in line leave it; those whose write is under way may be stored later. */
  private giveUpLate(): void {
    const now = performance.now();
    for (const request of this.underWay) {
      if (request.deadline <= now) request.reject(tooLate('Its events may be stored later.'));
    }
    const inTime = this.waiting.findIndex(({ deadline }) => deadline > now);
    const late = this.waiting.splice(0, inTime < 0 ? this.waiting.length : inTime);
    for (const request of late) {
      this.leave(request);
      request.reject(tooLate('Nothing of this request was stored.'));
    }
    while ((this.between[0]?.deadline ?? now + 1) <= now) this.between.shift()?.reject(tooLate('Nothing was done.'));
  }
}

/** What throws at once rejects too. */
async function settled<Result>(work: () => Promise<Result>): Promise<Result> {
  return work();
}

function stopping(fate = ''): TrackingError {
  return new TrackingError('unavailable', `The service is stopping.${fate}`, { retryAfter: 5 });
}

function tooLate(fate: string): TrackingError {
  return new TrackingError('unavailable', `The store did not answer in time. ${fate}`, { retryAfter: 5 });
}

/** Answers each request of a batch with what befell its own points. */
function settle(batch: readonly Request[], refusals: readonly Refusal[]): void {
  if (refusals.length === 0) {
    for (const request of batch) request.resolve();
    return;
  }
  const reasons = new Map(refusals.map(({ index, reason }) => [index, reason]));
  let start = 0;
  for (const request of batch) {
    const first = start;
    const own = request.points.flatMap((_, index) => {
      const message = reasons.get(first + index);
      return message === undefined ? [] : { index, message };
    });
    if (own.length === 0) request.resolve();
    else {
      request.reject(
        new TrackingError(
          'unprocessable',
          `The database refuses ${String(own.length)} of ${String(request.points.length)} event(s); the others are stored.`,
          { mistakes: own },
        ),
      );
    }
    start += request.points.length;
  }
}
