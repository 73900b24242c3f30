import type { Selection } from './aggregation.js';
import { TrackingError, messageOf } from './errors.js';
import { type Rule, expiredNames } from './expired.js';
import type { Logger } from './log.js';
import type { Store } from './store.js';
import { type Nanoseconds, SECOND, formatTime, now } from './time.js';

export interface ExpiryOptions {
  readonly store: Pick<Store, 'namespaces' | 'names'>;
  /** Deletes between two writes; how many there were. */
  readonly delete: (selection: Selection) => Promise<number>;
  /** What says how many seconds the events of a namespace are kept now; undefined for ever. */
  readonly rule: () => Promise<Rule>;
  /** Milliseconds from the end of one round to the next. */
  readonly pause: number;
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  readonly clock?: () => Nanoseconds;
}

/** Events that one step should delete at most: writes wait for it. */
const STEP_AIM = 50_000;
const FIRST_STEP = 3600n * SECOND;
const LEAST_STEP = SECOND;

/**
 * Deletes events that are older than they are kept: name by name, and step by step from the oldest on, so that writes
 * go on in between.
 */
export class Expiry {
  private deleted = 0;
  private round: Promise<void> | undefined;
  private again = false;
  private closed = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ExpiryOptions) {}

  /** How many events were deleted since the start. */
  get deletedEvents(): number {
    return this.deleted;
  }

  /** Begins a round now, in place of one under way: how long events are kept may have changed. Then every so often. */
  run(): void {
    if (this.closed) return;
    this.again = true;
    this.round ??= this.rounds();
  }

  /** Resolves when the rounds under way are over. */
  async settled(): Promise<void> {
    await this.round;
  }

  /** Begins no further step, and resolves when the one under way is done. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.round;
  }

  /** Whether the round under way is to end: what it goes by may be what somebody has just changed. */
  private get interrupted(): boolean {
    return this.closed || this.again;
  }

  private async rounds(): Promise<void> {
    clearTimeout(this.timer);
    while (this.again && !this.closed) {
      this.again = false;
      await this.deleteExpired().catch((error: unknown) => {
        this.options.logger.warn('expired events could not be deleted', { reason: messageOf(error) });
      });
    }
    this.round = undefined;
    if (this.closed) return;
    this.timer = setTimeout(() => {
      this.run();
    }, this.options.pause).unref();
  }

  private async deleteExpired(): Promise<void> {
    const { store, rule, clock = now } = this.options;
    const kept = await rule();
    for await (const { namespace, name, first, end } of expiredNames(store, kept, clock())) {
      if (this.interrupted) return;
      await this.deleteBefore(end, first, namespace, name);
    }
  }

  /** @throws what says that nothing can be deleted now, of this name or of others; all else is logged */
  private async deleteBefore(end: Nanoseconds, first: Nanoseconds, namespace: string, name: string): Promise<void> {
    const { logger } = this.options;
    const about = { namespace, name, before: formatTime(end) };
    let deleted = 0;
    try {
      for (let start = first, length = FIRST_STEP; start < end && !this.interrupted;) {
        const stop = start + length < end ? start + length : end;
        const count = await this.options.delete({ namespace, name, tags: {}, tsMin: start, tsMax: stop });
        deleted += count;
        this.deleted += count;
        start = stop;
        if (count < STEP_AIM / 2) length *= 2n;
        else if (count > STEP_AIM && length > LEAST_STEP) length /= 2n;
      }
    } catch (error) {
      if (error instanceof TrackingError && error.code === 'unavailable') throw error;
      logger.warn('expired events could not be deleted', { ...about, reason: messageOf(error) });
    }
    if (deleted > 0) logger.info('expired events deleted', { ...about, deleted });
  }
}
