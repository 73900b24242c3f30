import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, TrackingError } from '../errors.js';
import type { Point } from '../event.js';
import type { QueueConsumer } from '../queue.js';
import type { Connection } from './connection.js';
import type { RefusedPoints } from './dead-letters.js';
import { type DeletionOrder, MAX_WEIGHT, weightOf } from './messages.js';
import { isLost, Position } from './position.js';
import { PartitionReader, type Queued } from './reader.js';
import type { Session } from './stream.js';

/** What the partitions of an instance share. */
export interface PartitionWork {
  readonly connection: Connection;
  readonly consumer: QueueConsumer;
  /** Keeps what the store refused; resolved means durable. */
  readonly keep: (refused: RefusedPoints) => Promise<void>;
  /** @throws TrackingError `unavailable` where the other instances may hold this one for dead */
  readonly assertAlive: () => void;
  readonly onProblem: (message: string, error: unknown) => void;
}

/** How long nothing must come before the position is put to rest, and how long until the stream is looked at unasked. */
const REST_AFTER = 200;
const LOOK_AFTER = 1000;
/**
 * Events in a delivery, but for those of a single message. All that is made of them should be gone before V8 takes it for
 * something that stays: with 20,000 a service that caught up grew by 80 MiB of nothing but garbage.
 */
const DELIVERY_EVENTS = 5000;
const FIRST_WAIT = 100;
const LONGEST_WAIT = 5000;

/**
 * Reads one partition and hands it over, one delivery after the other, for as long as this instance holds it.
 *
 * Why nothing is lost and nothing counted twice. An event is in the stream, synced as the server was told to, before it
 * is acknowledged, and leaves it only when the position says that it is in the store. The position is one value in a
 * bucket: everything up to `written` is in the store, and the messages behind it up to `last` are one delivery that was
 * begun. It is changed by compare-and-set alone, and whoever takes a partition over changes it first. So when a process
 * dies
 * - before the acknowledgement: the client heard nothing, and knows that its events may be there or not. NATS takes a
 *   message, or an atomic batch, as a whole; we send none twice;
 * - between acknowledgement and reading: the messages are in the stream behind the position, and are read by the next;
 * - before `begin`: the position has not changed; nothing was written; the next reader may cut other deliveries;
 * - between `begin` and the store's `record`: the same delivery comes again, with exactly the messages up to `last`,
 *   under the same sequence. A store that keeps the sequence with its rows (DuckDB) has it or not; one that records
 *   (InfluxDB) has written nothing before it has recorded;
 * - between `record` and the write, in mid-write, and after the write before the next `begin`: the same delivery comes
 *   again with what was recorded, and so each point goes to the place where it may be already; or the store finds the
 *   sequence with its rows and writes nothing. Refused points get the same keys among the dead letters;
 * - before the purge: messages up to `written` stay, and nobody reads them again; the next purge takes them. It never
 *   takes messages of the delivery that may be repeated, for they are behind `written`.
 * A deletion is a delivery of its own: repeated it deletes what was there before it, and nothing behind it was written.
 *
 * A paused process that wakes up after another has taken its partition over finds the position changed at its next
 * `begin`, `record` or `rest`, writes nothing more and lets the partition go. Before each try of a write, and each step
 * of a deletion, it also looks whether it has been heard of lately, for others wait so long; and a beat after a pause
 * counts only once it is known who has which partition by now. What is left is a pause between that look and the last
 * byte of a try. That try carries the points to the places that are recorded for them, where the new reader has put them
 * or will, so nothing counts twice (what was deleted within these seconds may be back, and a sample that was corrected
 * may show the older value); DuckDB belongs to one process, which nobody can take over from.
 */
export class Partition {
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
  private generation: string | undefined;
  private trouble: string | undefined;

  /** @param holder - told apart from every other that reads this partition, or has read it */
  constructor(
    readonly number: number,
    private readonly holder: string,
    private readonly work: PartitionWork,
  ) {
    this.reader = new PartitionReader(number, () => this.session());
  }

  start(): void {
    this.running = this.run();
  }

  /** Begins no further delivery, and resolves when the one under way is done. */
  async stop(): Promise<void> {
    this.end();
    await this.running;
  }

  /** Begins nothing more, and ends what is under way at its next step: another has the partition. */
  lose(): void {
    this.losing.abort();
    this.end();
  }

  /** Whether it has ended, perhaps by itself: another instance has the partition now. */
  get ended(): boolean {
    return this.ending.signal.aborted;
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
      const position = await this.persist(() => this.takeOver());
      this.written = position.state.written;
      await this.repeat(position);
      while (!this.ended) await this.advance(position);
      if (this.written > position.state.written) await position.rest(this.written);
    } catch (error) {
      if (!this.ended) this.work.onProblem(`partition ${this.number} of the queue is let go`, error);
    }
    this.end();
  }

  private async takeOver(): Promise<Position> {
    const { session } = this.work.connection;
    this.generation = session.generation;
    const position = await Position.take(() => this.session(), this.number, this.holder);
    void session.nc.closed().then(() => {
      this.lose();
    });
    return position;
  }

  /** The delivery that was begun and may be in the store in part, exactly as it was. */
  private async repeat(position: Position): Promise<void> {
    const { written, last, messages: count } = position.state;
    if (last === written) return;
    const messages = await this.persist(async () => {
      const found = await this.reader.readTo(written + 1, last);
      if (found.length === count || !(await this.reader.holds(last))) return found;
      throw new TrackingError('unavailable', 'Not all of the last delivery can be read yet.');
    });
    // Fewer: somebody has removed some, and what was recorded is about all.
    const recorded = messages.length === count ? position.recorded : undefined;
    if (messages.length > 0) await this.carryOut(position, messages, recorded);
    this.written = last;
  }

  private async advance(position: Position): Promise<void> {
    this.woken = false;
    if (this.ahead.length === 0) this.ahead = await this.persist(() => this.reader.read(this.written + 1));
    const messages = this.takeDelivery();
    const last = messages.at(-1)?.sequence;
    if (last === undefined) {
      await this.idle(position);
      return;
    }
    await this.persist(() => position.begin(this.written, last, messages.length));
    await this.carryOut(position, messages, undefined);
    await this.purge(this.written);
    this.written = last;
  }

  /** Whole messages of those read ahead: some of points, or one deletion. */
  private takeDelivery(): Queued[] {
    let end = 0;
    for (let events = 0, weight = 0; end < this.ahead.length; end++) {
      const { points } = this.ahead[end] ?? {};
      events += points?.length ?? 0;
      for (const { series } of points ?? []) weight += weightOf(series);
      if (end > 0 && (points === undefined || events > DELIVERY_EVENTS || weight > MAX_WEIGHT)) break;
      if (points === undefined) return this.ahead.splice(0, 1);
    }
    return this.ahead.splice(0, end);
  }

  private async carryOut(position: Position, messages: readonly Queued[], recorded?: Uint8Array): Promise<void> {
    const deletion = messages[0]?.deletion;
    if (deletion !== undefined) {
      await this.delete(deletion);
      return;
    }
    const points = messages.flatMap((message) => message.points ?? []);
    await this.write(position, points, messages.at(-1)?.sequence ?? 0, recorded);
  }

  private async write(
    position: Position,
    points: readonly Point[],
    sequence: number,
    recorded?: Uint8Array,
  ): Promise<void> {
    let plan = recorded;
    const record = async (bytes: Uint8Array): Promise<void> => {
      await position.record(bytes).catch((error: unknown) => {
        if (isLost(error)) this.lose();
        throw error;
      });
      this.assertHeld();
      plan = bytes;
    };
    const { generation, era } = position.state;
    const partition = `${this.session().stream}-${generation}-${era}-${this.number}`;
    const refusals = await this.persist(() => {
      const delivery = {
        ...{ partition, sequence, record, tenure: this.holder, assertHeld: this.assertHeld },
        ...(plan === undefined ? {} : { recorded: plan }),
      };
      return this.work.consumer.write(points, delivery);
    });
    if (refusals.length > 0) await this.persist(() => this.work.keep({ partition, sequence, points, refusals }));
  }

  private async delete({ selection, answerTo }: DeletionOrder): Promise<void> {
    const answer = await this.persist(async () => {
      try {
        return { deleted: await this.work.consumer.delete(selection, this.assertHeld) };
      } catch (error) {
        // What will never succeed must not hold up what is behind it.
        if (!(error instanceof TrackingError) || error.code === 'unavailable') throw error;
        return { failure: { code: error.code, message: error.message } };
      }
    });
    try {
      // Also where the partition has gone to another meanwhile: it is done.
      this.work.connection.session.nc.publish(answerTo, JSON.stringify(answer));
    } catch (error) {
      this.work.onProblem('who asked for a deletion could not be answered', error);
    }
  }

  /** Nothing is there to be read: after a while the position says so, and nobody need repeat the last delivery. */
  private async idle(position: Position): Promise<void> {
    if (this.written === position.state.written) {
      await this.purge(this.written);
      await this.pause(LOOK_AFTER);
      return;
    }
    await this.pause(REST_AFTER);
    if (!this.woken && !this.ended) await this.persist(() => position.rest(this.written));
  }

  private async purge(last: number): Promise<void> {
    try {
      await this.reader.purge(last);
    } catch (error) {
      this.work.onProblem('what the store has cannot be removed from the queue yet', error);
    }
  }

  /** The session of now; of another stream than the position's, this reader has nothing to read. */
  private session(): Session {
    const { session } = this.work.connection;
    if (this.generation !== undefined && session.generation !== this.generation) this.lose();
    this.losing.signal.throwIfAborted();
    return session;
  }

  /** @throws where others have the partition, or may hold this instance for dead */
  private readonly assertHeld = (): void => {
    this.losing.signal.throwIfAborted();
    this.work.assertAlive();
  };

  private end(): void {
    this.ending.abort();
    this.wakeUp?.();
  }

  /** Tries until it succeeds, with growing pauses; throws only where this reader has to end. */
  private async persist<Result>(work: () => Promise<Result>): Promise<Result> {
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
        this.trouble = messageOf(error);
      }
      // With jitter, so that several readers do not come back all at once.
      await sleep(wait * (0.5 + Math.random() / 2), undefined, { signal });
    }
  }

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
