import { messageOf } from '../errors.js';
import { Backoff, retryAfterOf } from '../retry.js';
import type { Batch, DiskBuffer } from './buffer.js';
import type { Clock } from './clock.js';
import type { Refusal, RefusedEvents } from './refused.js';
import { NoToken, type Tokens } from './tokens.js';
import type { Reply, Transport } from './transport.js';
import { verdictOf } from './verdict.js';

export interface SenderParts {
  readonly buffer: Pick<DiskBuffer, 'take' | 'advance' | 'release'>;
  readonly transport: Pick<Transport, 'send'>;
  readonly tokens: Pick<Tokens, 'get' | 'discard'>;
  readonly refused: Pick<RefusedEvents, 'add'>;
  readonly clock: Clock;
  readonly observer: SenderObserver;
  /** Events in a request at most. */
  readonly batch: number;
}

/** What becomes of events. */
export interface SenderObserver {
  sent(events: number): void;
  refused(events: number): void;
  /** @param wait - milliseconds until the next attempt */
  failed(reason: string, wait: number): void;
}

const MAX_BYTES = 4 * 2 ** 20; // half of what the service takes
const FIRST_WAIT = 1000; // ms
const LONGEST_WAIT = 60_000;
/** Where somebody has to change something: a minute after the first failure, five after many. */
const STUCK_WAIT = 60_000;
const LONGEST_STUCK_WAIT = 300_000;
/** What is obeyed of a `Retry-After` at most, so that a wrong clock somewhere keeps nothing back for years. */
const LONGEST_ASKED = 3_600_000;
/** After so many requests that were taken twice as many events are tried again. */
const GROW_AFTER = 20;

/**
 * Sends what is in the buffer, in its order, one request at a time; so events of a series cannot overtake each other.
 * Only what the service has acknowledged, or refused by name, leaves the buffer.
 */
export class Sender {
  private readonly later = new Backoff(FIRST_WAIT, LONGEST_WAIT);
  private readonly stuck = new Backoff(STUCK_WAIT, LONGEST_STUCK_WAIT);
  private most: number;
  private successes = 0;

  constructor(private readonly parts: SenderParts) {
    this.most = parts.batch;
  }

  /** Sends until the buffer is empty or the signal says to stop, however often it has to try. */
  async drain(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const wait = await this.attempt(signal);
      if (wait === 'empty') return;
      if (wait > 0) await this.parts.clock.sleep(wait, signal);
    }
  }

  /** @returns milliseconds to wait before the next one */
  private async attempt(signal: AbortSignal): Promise<number | 'empty'> {
    const { buffer, observer } = this.parts;
    try {
      const batch = await buffer.take({ events: this.most, bytes: MAX_BYTES });
      if (batch === undefined) return 'empty';
      return await this.deliver(batch, signal);
    } catch (error) {
      if (signal.aborted) return 0;
      const { stuck, retryAfter } = error instanceof NoToken ? error : { stuck: false, retryAfter: undefined };
      const wait = this.waitFor(stuck, retryAfter);
      observer.failed(messageOf(error), wait);
      return wait;
    } finally {
      buffer.release();
    }
  }

  /** Sends a batch, without those that are refused, until the rest is stored or has to wait. */
  private async deliver(batch: Batch, signal: AbortSignal): Promise<number> {
    const { observer, tokens } = this.parts;
    let lines = batch.lines;
    for (let renewed = false; lines.length > 0;) {
      const reply = await this.send(lines, signal);
      const verdict = verdictOf(reply, lines.length);
      if (verdict.kind === 'stored') break;
      if (verdict.kind === 'token' && !renewed) {
        // It ended early, as when the service was restarted with other keys.
        tokens.discard();
        renewed = true;
      } else if (verdict.kind === 'refused') {
        lines = await this.setAside(lines, verdict.refusals);
      } else if (verdict.kind === 'smaller' && lines.length > 1) {
        this.shrink(lines.length);
        return 0;
      } else if (verdict.kind === 'smaller' && !verdict.tooLarge) {
        lines = await this.setAside(lines, [{ index: 0, reason: verdict.reason }]);
      } else {
        // One event is never too large: whoever says so means something else.
        if (verdict.kind !== 'later') tokens.discard();
        const wait = this.waitFor(verdict.kind !== 'later', reply.retryAfter);
        observer.failed(verdict.reason, wait);
        return wait;
      }
    }
    await this.parts.buffer.advance(batch);
    this.succeed(lines.length);
    return 0;
  }

  private async send(lines: readonly string[], signal: AbortSignal): Promise<Reply> {
    const token = await this.parts.tokens.get();
    return this.parts.transport.send(lines, token, signal);
  }

  private async setAside(lines: readonly string[], refusals: readonly Refusal[]): Promise<readonly string[]> {
    const { refused, observer, clock } = this.parts;
    const reasons = new Map(refusals.map(({ index, reason }) => [index, reason]));
    await refused.add(
      lines.filter((_, index) => reasons.has(index)),
      [...reasons].sort(([one], [other]) => one - other).map(([, reason]) => reason),
      clock.now(),
    );
    observer.refused(reasons.size);
    return lines.filter((_, index) => !reasons.has(index));
  }

  private shrink(count: number): void {
    this.most = Math.max(1, Math.floor(count / 2));
    this.successes = 0;
  }

  private succeed(events: number): void {
    this.later.reset();
    this.stuck.reset();
    if (events > 0) this.parts.observer.sent(events);
    if (++this.successes < GROW_AFTER) return;
    this.successes = 0;
    this.most = Math.min(this.parts.batch, this.most * 2);
  }

  private waitFor(stuck: boolean, retryAfter: string | undefined): number {
    const wait = (stuck ? this.stuck : this.later).next();
    const asked = (retryAfterOf(retryAfter, this.parts.clock.now()) ?? 0) * 1000;
    return Math.max(wait, Math.min(asked, LONGEST_ASKED));
  }
}
