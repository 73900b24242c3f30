import { setImmediate } from 'node:timers/promises';
import { TrackingError } from '../errors.js';
import { allDone } from './all-done.js';
import { blamed, halved, type Lines } from './blame.js';
import { type Answer, Connection, type ConnectionOptions } from './connection.js';
import { neverConnected, trackingErrorOf } from './failure.js';
import { pause, type Pause, Waits } from './retry.js';
import { reasonOf, turnedAway, verdictOf } from './verdict.js';

export interface SenderOptions extends ConnectionOptions {
  readonly org: string;
  readonly bucket: string;
  /** How it waits before it tries again. */
  readonly pause?: Pause;
}

/** What is sent in one or several parts. */
export interface Course {
  /** Whether InfluxDB may have stored any of it. */
  begun: boolean;
  /** Called before each try: what it throws ends the sending. */
  readonly assertHeld?: () => void;
}

/** A line that InfluxDB will never take. */
export interface RefusedLine {
  readonly index: number;
  readonly reason: string;
}

/** So often InfluxDB may fail over the same lines, while it is well otherwise, before they are to blame. */
const FAILURES_TO_BLAME = 5;

/** Short texts die young, where a long one would be kept until the next great collection of garbage. */
const LINES_IN_PIECE = 256;

/** After so many tries in vain `check` says what is the matter. */
const TRIES_TO_TELL = 3;

/**
 * Sends lines to InfluxDB, each batch with one awaited request. A batch without an answer may be there in part, for a
 * write is not atomic in InfluxDB: it is sent again, unchanged, until it is answered.
 */
export class Sender {
  private readonly connection: Connection;
  private readonly url: string;
  private readonly target: string;
  private readonly pause: Pause;
  /** Why the write under way is not done yet. */
  private trouble: TrackingError | undefined;

  constructor(options: SenderOptions) {
    const { url, org, bucket } = options;
    this.connection = new Connection(options);
    this.url = url;
    this.target = `/api/v2/write?${new URLSearchParams({ org, bucket, precision: 'ns' }).toString()}`;
    this.pause = options.pause ?? pause;
  }

  /**
   * Resolves once InfluxDB has answered for every line; all but those returned are durable.
   * @throws TrackingError `unavailable` where no connection could be made at all, and where InfluxDB refuses us as a
   *   whole (a wrong token, no such bucket)
   */
  send(lines: Lines, course?: Course): Promise<RefusedLine[]> {
    return this.sendBeside([lines], course);
  }

  /**
   * As `send`, several side by side, and resolves or throws once the last of them is settled. InfluxDB works on one of
   * them while the next is written, and on several where it has the processors. Which of two arrives first is not known,
   * so lines of which the last counts belong together.
   */
  async sendBeside(several: readonly Lines[], course: Course = { begun: false }): Promise<RefusedLine[]> {
    const delivery: Delivery = { refused: [], begun: false, tries: 0, course };
    const sendings = several.map(async (lines, turn) => {
      // Each leaves before the next is written.
      for (let turns = 0; turns < turn; turns++) await setImmediate();
      await this.deliver(delivery, lines, [...lines.keys()], FAILURES_TO_BLAME);
    });
    try {
      await allDone(sendings);
    } finally {
      this.trouble = undefined;
    }
    return delivery.refused.sort((one, other) => one.index - other.index);
  }

  /** Whether InfluxDB takes writes from us: one without any points, and the one under way. */
  async check(): Promise<void> {
    const answer = await this.attempt([]).catch((error: unknown) => {
      throw trackingErrorOf(error, this.url);
    });
    if (verdictOf(answer) !== 'stored') throw turnedAway(answer, this.url);
    if (this.trouble !== undefined) throw this.trouble;
  }

  close(): void {
    this.connection.close();
  }

  /** @param patience - after how many failures over these lines they are to blame */
  private async deliver(delivery: Delivery, lines: Lines, indexes: readonly number[], patience: number): Promise<void> {
    const { refused } = delivery;
    if (indexes.length === 0) return;
    const answer = await this.answerTo(
      delivery,
      bodyOf(lines, indexes),
      indexes.length === 1 ? FAILURES_TO_BLAME : patience,
    );
    const verdict = verdictOf(answer);
    if (verdict === 'stored') return;
    if (verdict === 'turned away') throw turnedAway(answer, this.url);
    const set = new Set(blamed(answer, lines, indexes));
    for (const index of set) refused.push({ index, reason: reasonOf(answer) });
    const others = indexes.filter((index) => !set.has(index));
    // Sent again in parts with the same times, every point is there once. Of lines to blame, some are in either half.
    for (const part of set.size > 0 ? [others] : halved(lines, others)) await this.deliver(delivery, lines, part, 1);
  }

  /** The answer to a body that settles its fate, however long it takes. */
  private async answerTo(delivery: Delivery, body: readonly string[], patience: number): Promise<Answer> {
    const waits = new Waits();
    let failures = 0;
    for (let tries = 1; ; tries++) {
      const outcome = await this.tryOnce(delivery, body);
      const answer = outcome instanceof TrackingError ? undefined : outcome;
      const verdict = answer === undefined ? 'again' : verdictOf(answer);
      failures = verdict === 'suspicious' ? failures + 1 : 0;
      const settled = verdict === 'suspicious' ? failures >= patience && (await this.isWell()) : verdict !== 'again';
      if (answer !== undefined && settled) {
        // Of what is sent beside it the next try says so again.
        this.trouble = undefined;
        return answer;
      }
      if (tries >= TRIES_TO_TELL)
        this.trouble = outcome instanceof TrackingError ? outcome : turnedAway(outcome, this.url);
      await this.pause(waits.next(answer?.retryAfter), this.connection.signal);
    }
  }

  /** An answer, or why there is none. */
  private async tryOnce(delivery: Delivery, body: readonly string[]): Promise<Answer | TrackingError> {
    const { course } = delivery;
    this.assertOpen();
    course.assertHeld?.();
    delivery.tries++;
    try {
      const answer = await this.attempt(body);
      delivery.begun = true;
      if (verdictOf(answer) !== 'turned away') course.begun = true;
      return answer;
    } catch (error) {
      const failure = trackingErrorOf(error, this.url);
      if (!neverConnected(error)) course.begun = delivery.begun = true;
      // While others are under way, one of them may have been heard.
      else if (!delivery.begun && delivery.tries === 1) throw failure;
      this.assertOpen();
      return failure;
    } finally {
      delivery.tries--;
    }
  }

  /** Whether InfluxDB says that nothing is the matter with it, and takes a write without points. */
  private async isWell(): Promise<boolean> {
    try {
      const health = await this.connection.exchange({ target: '/health' });
      return health.status === 200 && verdictOf(await this.attempt([])) === 'stored';
    } catch {
      return false;
    }
  }

  private attempt(body: readonly string[]): Promise<Answer> {
    return this.connection.exchange({ target: this.target, body });
  }

  private assertOpen(): void {
    if (!this.connection.signal.aborted) return;
    throw new TrackingError('unavailable', 'The store is closed.');
  }
}

interface Delivery {
  readonly refused: RefusedLine[];
  /** Whether anything of it was heard, or may have been. */
  begun: boolean;
  /** How many are under way. */
  tries: number;
  readonly course: Course;
}

/** Some lines as the body of a request. */
function bodyOf(lines: Lines, indexes: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < indexes.length; from += LINES_IN_PIECE) {
    const some = indexes.slice(from, from + LINES_IN_PIECE).map((index) => lines.at(index));
    pieces.push((from === 0 ? '' : '\n') + some.join('\n'));
  }
  return pieces;
}
