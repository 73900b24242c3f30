import { MIN_TIME, SECOND } from '../../time.js';
import { type Point, SAMPLE } from '../../event.js';
import type { CumulativeReading, Reading } from './readings.js';
import { countFrom, readStates, type StateReader, type Stored } from './stream-state.js';

export interface StreamsOptions {
  readonly reader: StateReader;
  readonly horizon: () => Promise<Horizon>;
  /** How many streams are kept in memory. */
  readonly capacity?: number;
}

/**
 * What was accepted until it was noted: resolves once the store holds all of that, and rejects with `unavailable` where it
 * does not yet.
 */
type Horizon = () => Promise<void>;

/** What is known of a stream. Only the request that holds it looks at it and changes it. */
interface Known {
  /** Until when a request holds it. */
  held: Promise<void> | undefined;
  /** Of its newest reading, a whole millisecond; nothing where the store has to be asked. */
  time: bigint | undefined;
  value: number;
  /** The value before it in the same count; nothing where there is none. */
  before: number | undefined;
  /** When its value was last stored: one that does not change need not be each time. */
  kept: bigint;
}

/** So long a value that does not change may go without being stored again: no retention is shorter. Nanoseconds. */
const MAX_AGE = 3600n * SECOND;

/** A reading with what is known of its stream. */
interface Task {
  readonly reading: CumulativeReading;
  readonly known: Known;
}

/** The increases that cumulative readings come to. */
export interface Increases {
  readonly increases: readonly Reading[];
  /** The readings themselves, to be stored with them. */
  readonly states: readonly Point[];
  /** To be called in the end, with whether all of that is durable; until then the streams wait. */
  readonly conclude: (durable: boolean) => void;
}

const CAPACITY = 200_000;

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
  /** By the stream's id; the one that was met first goes first. */
  private readonly known = new Map<string, Known>();
  /** Where something was forgotten that the store may not have got yet; a service that starts knows nothing. */
  private unsettled: { horizon?: Horizon } | undefined = {};

  constructor(private readonly options: StreamsOptions) {}

  /** @throws TrackingError `unavailable` where the store cannot say yet what was before */
  async increasesOf(readings: readonly CumulativeReading[]): Promise<Increases> {
    if (readings.length === 0) return { increases: [], states: [], conclude: () => undefined };
    const { tasks, release } = await this.hold(readings.toSorted(byTime));
    try {
      const counting = new Counting(await this.lookUp(tasks));
      for (const task of tasks) counting.count(task);
      return {
        increases: counting.increases,
        states: counting.states,
        conclude: (durable) => {
          if (!durable) this.forget(tasks);
          release();
        },
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Waits until no other request has one of the streams, and takes them all at once. */
  private async hold(readings: readonly CumulativeReading[]): Promise<{ tasks: Task[]; release: () => void }> {
    for (let held = this.heldOf(readings); held !== undefined; held = this.heldOf(readings)) await held;
    const tasks = readings.map((reading) => ({ reading, known: this.knownOf(reading.stream.id) }));
    let done: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (done = resolve));
    for (const { known } of tasks) known.held = held;
    const release = (): void => {
      for (const { known } of tasks) known.held = undefined;
      done();
      this.makeRoom();
    };
    return { tasks, release };
  }

  /** Until when another request has one of the streams. */
  private heldOf(readings: readonly CumulativeReading[]): Promise<void> | undefined {
    for (const { stream } of readings) {
      const held = this.known.get(stream.id)?.held;
      if (held !== undefined) return held;
    }
    return undefined;
  }

  private knownOf(id: string): Known {
    let known = this.known.get(id);
    if (known === undefined) {
      known = { held: undefined, time: undefined, value: 0, before: undefined, kept: MIN_TIME };
      this.known.set(id, known);
    }
    return known;
  }

  /** Asks the store about every reading of which memory does not know what was before it. */
  private async lookUp(tasks: readonly Task[]): Promise<ReadonlyMap<CumulativeReading, Stored>> {
    const unknown: CumulativeReading[] = [];
    const late: CumulativeReading[] = [];
    for (const { reading, known } of tasks) {
      if (known.time === undefined) unknown.push(reading);
      else if (reading.time < known.time) late.push(reading);
    }
    if (unknown.length === 0 && late.length === 0) return NOTHING;
    await this.settle(late.length > 0);
    return readStates(this.options.reader, unknown, late);
  }

  /**
   * Waits until the store holds what was forgotten.
   * @param all - what is remembered as well, for older readings of the same streams lie only there
   */
  private async settle(all: boolean): Promise<void> {
    const { unsettled } = this;
    if (all) await (await this.options.horizon())();
    else if (unsettled !== undefined) {
      unsettled.horizon ??= await this.options.horizon();
      await unsettled.horizon();
    }
    if (this.unsettled === unsettled) this.unsettled = undefined;
  }

  private forget(tasks: readonly Task[]): void {
    for (const { reading } of tasks) this.known.delete(reading.stream.id);
    this.unsettled = {};
  }

  private makeRoom(): void {
    const { capacity = CAPACITY } = this.options;
    if (this.known.size <= capacity) return;
    for (const [id, { held }] of this.known) {
      if (this.known.size <= capacity) break;
      if (held === undefined) this.known.delete(id);
    }
    this.unsettled = {};
  }
}

const NOTHING: ReadonlyMap<CumulativeReading, Stored> = new Map();

/** Counts the readings of one request, in order of time. */
class Counting {
  readonly increases: Reading[] = [];
  readonly states: Point[] = [];

  constructor(private readonly stored: ReadonlyMap<CumulativeReading, Stored>) {}

  count({ reading, known }: Task): void {
    const { time, value } = reading;
    const newest = known.time;
    const stored = this.stored.get(reading);
    const behind = newest === undefined ? stored?.behind : time < newest ? known.value : undefined;
    if (behind !== undefined) {
      // A later reading is there. Unless that began anew since, it has counted this one in.
      const isCounted = behind >= value;
      if (stored?.at !== undefined || !isCounted) this.add(reading, stored?.before, MIN_TIME);
      return;
    }
    if (newest === undefined) known.before = stored?.before;
    else if (time > newest) known.before = newest >= countFrom(reading) ? known.value : undefined;
    if (newest === undefined || time === newest) known.kept = MIN_TIME;
    if (this.add(reading, known.before, known.kept)) known.kept = time;
    known.time = time;
    known.value = value;
  }

  /** @returns whether there was anything to store: what nobody misses is left out, if its value was `kept` lately */
  private add(reading: CumulativeReading, before: number | undefined, kept: bigint): boolean {
    const increase = increaseOf(reading, before);
    const { stream, time, value, sparse } = reading;
    if (sparse && increase === 0 && time - kept < MAX_AGE) return false;
    this.states.push({ series: stream.stateSeries, time, value, identity: SAMPLE });
    if (increase !== undefined && !(sparse && increase === 0 && kept > MIN_TIME)) {
      this.increases.push({ stream, time, value: increase });
    }
    return true;
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

function byTime(one: CumulativeReading, other: CumulativeReading): number {
  if (one.time === other.time) return 0;
  return one.time < other.time ? -1 : 1;
}
