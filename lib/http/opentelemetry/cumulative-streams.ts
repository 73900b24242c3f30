import type { Reader } from '../../store.js';
import { END_OF_TIME, MILLISECOND, MIN_TIME, SECOND } from '../../time.js';
import { type Point, SAMPLE } from '../../event.js';
import type { CumulativeReading, Reading } from './readings.js';
import {
  questionKey,
  readStates,
  type StateQuestion,
  stateSeries,
  streamId,
  wholeMillisecond,
} from './stream-state.js';

export interface StreamsOptions {
  readonly reader: Pick<Reader, 'aggregate'>;
  /**
   * Resolves once the store holds everything that was accepted before a moment (milliseconds since 1970).
   * @throws TrackingError `unavailable` where it does not yet
   */
  readonly settled: (before: number) => Promise<void>;
  /** How many streams are kept in memory. */
  readonly capacity?: number;
}

/** What is known of a stream. */
interface Known {
  /** Of its newest reading; whole milliseconds. */
  readonly time: bigint;
  readonly value: number;
  /** The value before it in the same count; nothing where there is none. */
  readonly before: number | undefined;
  /** When its value was last stored: one that does not change need not be each time. */
  readonly kept: bigint;
}

/** So long a value that does not change may go without being stored again: no retention is shorter. Nanoseconds. */
const MAX_AGE = 3600n * SECOND;

/** A reading with what was looked up for it. */
interface Task {
  readonly id: string;
  readonly reading: CumulativeReading;
  /** From when its count goes on, in whole milliseconds. */
  readonly from: bigint;
}

/** The increases that cumulative readings come to. */
export interface Increases {
  readonly increases: readonly Reading[];
  /** The readings themselves, to be stored with them. */
  readonly states: readonly Point[];
  /** To be called in the end, with whether all of that is durable; until then the streams wait. */
  readonly conclude: (durable: boolean) => void;
}

const CAPACITY = 100_000;

/**
 * Makes increases of streams that count on and on, exactly, over kills, restarts and resends.
 *
 * An increase is a reading less the one before it, so what matters is to know that one for certain. It is stored: beside
 * the increase each reading goes as a sample into a series of its own (`otel.cumulative`, tag `stream`), in one and the
 * same write, so that the store has both or neither. What is kept in memory is only a copy, which moves on when that
 * write is durable; at first contact, after a start or when it was dropped for want of room, it is read from the store.
 *
 * - *Sent again* a reading has the same reading before it, so it comes to the same increase, which as a sample at the
 *   same time replaces itself.
 * - *Out of order*: the increase of a later reading has counted in what is earlier, so that it comes to nothing more.
 * - *Reset*: only readings since `startTimeUnixNano` count as before it. A start is never compared with another one, for
 *   some programs give it a little differently each time. Without a start, or within one, a value that fell began anew.
 * - *First reading of all*: everything since its start; without one (or at it) it is what later ones start from.
 * - *Several requests of one stream* are taken one after the other: each waits until the one before is durable, or not.
 *   Where that was not, nobody knows whether it is stored: the stream is forgotten, and read again once the store has
 *   settled.
 *
 * Times are those of whole milliseconds, so that no two readings of one stream lie so close that a store cannot be asked
 * for what was before the second; of several in one millisecond the last stands for all.
 */
export class CumulativeStreams {
  private readonly known = new Map<string, Known>();
  private readonly busy = new Map<string, Promise<void>>();
  /** When something was last forgotten that the store may not have got yet; a service that starts knows nothing. */
  private forgottenAt = Date.now();
  private settledBefore = -Infinity;

  constructor(private readonly options: StreamsOptions) {}

  /** @throws TrackingError `unavailable` where the store cannot say yet what was before */
  async increasesOf(readings: readonly CumulativeReading[]): Promise<Increases> {
    if (readings.length === 0) return { increases: [], states: [], conclude: () => undefined };
    const tasks = readings
      .map((reading) => ({ id: streamId(reading.stream), reading, from: countFrom(reading) }))
      .sort((one, other) =>
        one.reading.time < other.reading.time ? -1 : one.reading.time > other.reading.time ? 1 : 0,
      );
    const release = await this.acquire(new Set(tasks.map(({ id }) => id)));
    try {
      const counting = new Counting(this.known, await this.lookUp(tasks));
      for (const task of tasks) counting.count(task);
      return {
        increases: counting.increases,
        states: counting.states,
        conclude: (durable) => {
          if (durable) this.remember(counting.latest);
          else this.forget(tasks);
          release();
        },
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Waits until no other request has one of the streams, and takes them all at once. */
  private async acquire(ids: ReadonlySet<string>): Promise<() => void> {
    for (;;) {
      const waits = new Set<Promise<void>>();
      for (const id of ids) {
        const wait = this.busy.get(id);
        if (wait !== undefined) waits.add(wait);
      }
      if (waits.size === 0) break;
      await Promise.all(waits);
    }
    let done: () => void = () => undefined;
    const taken = new Promise<void>((resolve) => (done = resolve));
    for (const id of ids) this.busy.set(id, taken);
    return () => {
      for (const id of ids) this.busy.delete(id);
      done();
    };
  }

  /** Asks the store about every reading of which memory does not know what was before it. */
  private async lookUp(tasks: readonly Task[]): Promise<ReadonlyMap<string, number>> {
    const questions = tasks.flatMap((task) => {
      const known = this.known.get(task.id);
      if (known === undefined) return [beforeIt(task), atIt(task), behindIt(task)];
      return task.reading.time < known.time ? [beforeIt(task), atIt(task)] : [];
    });
    if (questions.length === 0) return NOTHING;
    if (this.forgottenAt > this.settledBefore) {
      const moment = this.forgottenAt;
      await this.options.settled(moment);
      this.settledBefore = moment;
    }
    return readStates(this.options.reader, questions);
  }

  private remember(latest: ReadonlyMap<string, Known>): void {
    const { capacity = CAPACITY } = this.options;
    for (const [id, known] of latest) {
      this.known.delete(id);
      this.known.set(id, known);
    }
    for (const id of this.known.keys()) {
      if (this.known.size <= capacity) break;
      this.known.delete(id);
      this.forgottenAt = Date.now();
    }
  }

  private forget(tasks: readonly Task[]): void {
    for (const { id } of tasks) this.known.delete(id);
    this.forgottenAt = Date.now();
  }
}

const NOTHING: ReadonlyMap<string, number> = new Map();

/** Counts the readings of one request, in order of time. */
class Counting {
  readonly increases: Reading[] = [];
  readonly states: Point[] = [];
  readonly latest = new Map<string, Known>();

  constructor(
    private readonly known: ReadonlyMap<string, Known>,
    private readonly stored: ReadonlyMap<string, number>,
  ) {}

  count(task: Task): void {
    const { id, reading, from } = task;
    const { time, value } = reading;
    const known = this.latest.get(id) ?? this.known.get(id);
    const behind = known === undefined ? this.read(behindIt(task)) : time < known.time ? known.value : undefined;
    if (behind !== undefined) {
      this.countLate(task, behind);
      return;
    }
    let before: number | undefined;
    if (known === undefined) before = this.read(beforeIt(task));
    else if (time === known.time) before = known.before;
    else before = known.time >= from ? known.value : undefined;
    const since = known !== undefined && known.time < time ? known.kept : MIN_TIME;
    const kept = this.add(task, before, since) ? time : since;
    this.latest.set(id, { time, value, before, kept });
  }

  /** A later reading is there. Unless that began anew since, it has counted this one in. */
  private countLate(task: Task, behind: number): void {
    const isStored = this.read(atIt(task)) !== undefined;
    const isCounted = behind >= task.reading.value;
    if (isStored || !isCounted) this.add(task, this.read(beforeIt(task)), MIN_TIME);
  }

  /** @returns whether there was anything to store: what nobody misses is left out, if its value was `kept` lately */
  private add({ id, reading }: Task, before: number | undefined, kept: bigint): boolean {
    const increase = increaseOf(reading, before);
    const { time, value, series, sparse } = reading;
    if (sparse && increase === 0 && time - kept < MAX_AGE) return false;
    this.states.push({ series: stateSeries(series.namespace, id), time, value, identity: SAMPLE });
    if (increase !== undefined && !(sparse && increase === 0 && kept > MIN_TIME)) {
      this.increases.push({ ...reading, value: increase });
    }
    return true;
  }

  private read(question: StateQuestion): number | undefined {
    return this.stored.get(questionKey(question));
  }
}

/** What a reading adds to the one before it; nothing for one that others start from. */
function increaseOf(
  { start, countsFromStart, value, monotonic }: CumulativeReading,
  before: number | undefined,
): number | undefined {
  if (before === undefined) return countsFromStart ? value : undefined;
  const fell = value < before && (monotonic || start === 0n);
  return fell ? value : value - before;
}

function countFrom({ start }: CumulativeReading): bigint {
  return start === 0n ? MIN_TIME : wholeMillisecond(start);
}

function beforeIt({ id, reading: { series, time }, from }: Task): StateQuestion {
  return { namespace: series.namespace, id, from, to: time };
}

function atIt({ id, reading: { series, time } }: Task): StateQuestion {
  return { namespace: series.namespace, id, from: time, to: time + MILLISECOND };
}

function behindIt({ id, reading: { series, time } }: Task): StateQuestion {
  return { namespace: series.namespace, id, from: time + MILLISECOND, to: END_OF_TIME };
}
