import { setTimeout as sleep } from 'node:timers/promises';
import { TrackingError } from '../errors.js';
import { deliver, takeDelivery } from './delivery.js';
import { problemOf } from './failure.js';
import { endSince, eraOf, type Numbering, type Reached } from './numbering.js';
import { isLost, Position } from './position.js';
import { PartitionReader, type Queued } from './reader.js';
import type { Session } from './stream.js';
import type { PartitionWork, Tenure } from './tenure.js';

/** How long a taker waits for a position that should be there: whoever has it lives no longer then. */
const POSITION_PATIENCE = 5000;

/** How long nothing must come before the position is put to rest, and how long until the stream is looked at unasked. */
const REST_AFTER = 200;
const LOOK_AFTER = 1000;
const FIRST_WAIT = 100;
const LONGEST_WAIT = 5000;

/**
 * Reads one partition and hands it over, one delivery after the other, for as long as this instance holds it. README.md
 * says why nothing is lost at any point of it, and nothing counted twice.
 */
export class Partition implements Tenure {
  /** Nothing more is to be begun. */
  private readonly ending = new AbortController();
  /** Another has the partition, and nothing may be changed any more. */
  private readonly losing = new AbortController();
  private readonly reader: PartitionReader;
  private running: Promise<void> | undefined;
  private wakeUp: (() => void) | undefined;
  private woken = false;
  private ahead: Queued[] = [];
  private written = 0;
  /** The last message of the delivery under way. */
  private begun = 0;
  private numbering: Numbering | undefined;
  /** In which the position was last written. */
  private asserted: Session | undefined;
  private trouble: string | undefined;

  /**
   * @param holder - told apart from every other that reads this partition, or has read it
   * @param own - how far this instance has written the partition before, as soon as it is known
   */
  constructor(
    readonly number: number,
    readonly holder: string,
    readonly work: PartitionWork,
    private readonly own: Promise<Reached | undefined>,
  ) {
    this.reader = new PartitionReader(number, work.connection, this.session);
  }

  start(): void {
    this.running = this.run();
  }

  /** Begins no further delivery, and resolves when the one under way is done. */
  async stop(): Promise<void> {
    this.end();
    await this.running;
  }

  /** Whether it has ended, perhaps by itself: another instance has the partition now. */
  get ended(): boolean {
    return this.ending.signal.aborted;
  }

  /** How far this partition is written; nothing where that was never known. */
  get reached(): Reached | undefined {
    const { numbering, written } = this;
    return numbering && { generation: numbering.generation, era: eraOf(numbering), sequence: written };
  }

  /** What it waits for that should not be. */
  get problem(): string | undefined {
    return this.trouble;
  }

  /** There is something new. */
  wake(): void {
    this.woken = true;
    this.wakeUp?.();
  }

  private async run(): Promise<void> {
    try {
      const own = await this.own;
      const position = await this.persist(() => this.takeOver(own));
      await this.repeat(position);
      while (!this.ended) await this.advance(position);
      await this.leave(position);
    } catch (error) {
      if (!this.ended) this.work.onProblem(`partition ${this.number} of the queue is let go`, error);
    }
    this.end();
  }

  private async takeOver(own: Reached | undefined): Promise<Position> {
    const { session } = this.work.connection;
    if (own === undefined && mayReturn(session) && !(await Position.isKnown(session, this.number))) {
      await sleep(POSITION_PATIENCE, undefined, { signal: this.ending.signal });
    }
    this.numbering = session.numbering;
    this.written = 0;
    const position = await Position.take(this.session, this.number, { holder: this.holder, own });
    this.written = position.state.written;
    this.begun = position.state.last;
    this.asserted = session;
    void session.nc.closed().then(this.lose);
    return position;
  }

  /** Leaves nothing behind that the next one would read again, even without the position. */
  private async leave(position: Position): Promise<void> {
    await this.assert(position);
    await this.reader.purge(this.written, 'now').catch(() => undefined);
  }

  /** Says how far everything is written, and that no delivery need be repeated. */
  private async assert(position: Position): Promise<void> {
    const session = this.session();
    // A bucket that was lost has to learn it even where nothing is new.
    if (this.written === position.state.written && session === this.asserted) return;
    await position.rest(this.written);
    this.asserted = session;
  }

  /** The delivery that was begun and may be in the store in part, exactly as it was. */
  private async repeat(position: Position): Promise<void> {
    const { written, last, messages: count } = position.state;
    if (last === written) return;
    const messages = await this.persist(async () => {
      const found = await this.reader.readTo(written + 1, last);
      // Whoever gives the last one has all that there are before it, for a replica is behind in order.
      if (found.at(-1)?.sequence === last || !(await this.reader.holds(last))) return found;
      throw new TrackingError('unavailable', 'Not all of the last delivery can be read yet.');
    });
    // Fewer: somebody has removed some, and what was recorded is about all.
    const recorded = messages.length === count ? position.recorded : undefined;
    if (messages.length > 0) await deliver(this, position, messages, recorded);
    this.written = last;
  }

  private async advance(position: Position): Promise<void> {
    this.woken = false;
    if (this.ahead.length === 0) this.ahead = await this.persist(() => this.reader.read(this.written + 1));
    const messages = takeDelivery(this.ahead, this.session());
    const last = messages.at(-1)?.sequence;
    if (last === undefined) {
      await this.idle(position);
      return;
    }
    this.begun = last;
    await this.persist(() => position.begin(this.written, last, messages.length));
    await deliver(this, position, messages, undefined);
    const { written } = position.state;
    this.written = last;
    await this.purge(written);
  }

  /** Nothing is there to be read: after a while the position says so, and nobody need repeat the last delivery. */
  private async idle(position: Position): Promise<void> {
    if (this.written === position.state.written) {
      await this.persist(() => this.assert(position));
      await this.purge(this.written);
      await this.pause(LOOK_AFTER);
      return;
    }
    await this.pause(REST_AFTER);
    if (!this.woken && !this.ended) await this.persist(() => this.assert(position));
  }

  private async purge(last: number): Promise<void> {
    try {
      await this.reader.purge(last);
    } catch (error) {
      this.work.onProblem('what the store has cannot be removed from the queue yet', error);
    }
  }

  /** The session of now; where numbers that were read mean others by now, this reader has to end. */
  readonly session = (): Session => {
    const { session } = this.work.connection;
    const { numbering } = this;
    if (numbering !== undefined && numbering !== session.numbering) {
      const reach = Math.max(this.written, this.begun, this.ahead.at(-1)?.sequence ?? 0);
      const same = numbering.generation === session.numbering.generation;
      if (!same || endSince(session.numbering, eraOf(numbering)) < reach) this.lose();
      else this.numbering = session.numbering;
    }
    this.losing.signal.throwIfAborted();
    return session;
  };

  readonly assertHeld = (): void => {
    this.losing.signal.throwIfAborted();
    this.work.assertAlive();
  };

  /** Begins nothing more, and ends what is under way at its next step: another has the partition. */
  readonly lose = (): void => {
    this.losing.abort();
    this.end();
  };

  private end(): void {
    this.ending.abort();
    this.wakeUp?.();
  }

  /** Tries until it succeeds, with growing pauses; throws only where this reader has to end. */
  readonly persist = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const { signal } = this.ending;
    for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      try {
        const result = await work();
        this.trouble = undefined;
        return result;
      } catch (error) {
        if (isLost(error)) this.lose();
        if (this.ended) throw error;
        if (this.trouble === undefined) this.work.onProblem(`partition ${this.number} of the queue waits`, error);
        this.trouble = problemOf(error);
      }
      // With jitter, so that several readers do not come back all at once.
      await sleep(wait * (0.5 + Math.random() / 2), undefined, { signal });
    }
  };

  private async pause(milliseconds: number): Promise<void> {
    if (this.woken || this.ended) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wakeUp = undefined;
  }
}

/** Whether a position that is missing may be written again by somebody who lives. */
export function mayReturn({ numbering: { breaks } }: Session): boolean {
  return breaks.some(({ kind }) => kind === 'positions lost');
}
