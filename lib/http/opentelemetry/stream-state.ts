import type { Reader } from '../../store.js';
import { END_OF_TIME, MILLISECOND, MIN_TIME, type Nanoseconds, SECOND } from '../../time.js';
import type { CumulativeReading } from './readings.js';
import { STATE_NAME } from './streams.js';

export type StateReader = Pick<Reader, 'latest'>;

/** What is stored of a reading's stream; nothing where there is no such value. */
export interface Stored {
  /** The value before it in the same count. */
  readonly before?: number | undefined;
  /** The value at its very time. */
  readonly at?: number | undefined;
  /** The newest value, where it is of a later time. */
  readonly behind?: number | undefined;
}

/**
 * Asks the store what it has of streams.
 * @param unknown - readings of streams of which nothing is known
 * @param late - readings with a later one of their stream that is known
 */
export async function readStates(
  reader: StateReader,
  unknown: readonly CumulativeReading[],
  late: readonly CumulativeReading[],
): Promise<ReadonlyMap<CumulativeReading, Stored>> {
  const stored = new Map<CumulativeReading, Stored>();
  const older = [...late];
  for (const readings of grouped(unknown, ({ stream }) => stream.series.namespace)) {
    const newest = await lastOf(reader, readings, END_OF_TIME);
    for (const reading of readings) {
      const found = newest.get(reading.stream.id);
      if (found === undefined) continue;
      if (found.time < reading.time) {
        stored.set(reading, { before: found.time >= countFrom(reading) ? found.value : undefined });
        continue;
      }
      older.push(reading);
      if (found.time > reading.time) stored.set(reading, { behind: found.value });
    }
  }
  for (const readings of grouped(older, ({ stream, time }) => `${time} ${stream.series.namespace}`)) {
    const time = readings[0]?.time ?? 0n;
    const before = await lastOf(reader, readings, time);
    const at = await lastOf(reader, readings, time + MILLISECOND, time);
    for (const reading of readings) {
      const { id } = reading.stream;
      const one = before.get(id);
      const isOfCount = one !== undefined && one.time >= countFrom(reading);
      stored.set(reading, {
        ...stored.get(reading),
        before: isOfCount ? one.value : undefined,
        at: at.get(id)?.value,
      });
    }
  }
  return stored;
}

interface StoredValue {
  /** A whole millisecond. */
  readonly time: Nanoseconds;
  readonly value: number;
}

/** Streams that a question names; of more than some such questions' worth, one asks for all that there are. */
const STREAMS_PER_QUESTION = 250;
const STREAMS_NAMED = 1000;

/** So far back almost every stream has a value: what is kept of one that does not change is stored again every hour. */
const RECENTLY = 7200n * SECOND;

/**
 * The last value before a time of each stream, by its id. The recent past is looked through first.
 * @param readings - of streams of one namespace
 * @param to - excluded
 * @param from - left out: from when the counts began
 */
async function lastOf(
  reader: StateReader,
  readings: readonly CumulativeReading[],
  to: Nanoseconds,
  from = earliest(readings.map(countFrom)),
): Promise<ReadonlyMap<string, StoredValue>> {
  const ids = new Set(readings.map(({ stream }) => stream.id));
  const recent = earliest(readings.map(({ time }) => time)) - RECENTLY;
  const namespace = readings[0]?.stream.series.namespace ?? '';
  const found = new Map<string, StoredValue>();
  const stretches = from < recent ? [[recent, to] as const, [from, recent] as const] : [[from, to] as const];
  for (const [tsMin, tsMax] of stretches) {
    if (tsMin >= tsMax) continue;
    const missing = [...ids].filter((id) => !found.has(id));
    for (const tags of tagsFor(missing)) {
      const selection = { namespace, name: STATE_NAME, tsMin, tsMax, tags };
      for await (const { group, time, value } of reader.latest(selection, 'stream')) {
        if (ids.has(group)) found.set(group, { time, value });
      }
    }
  }
  return found;
}

/** What questions about these streams name: in InfluxDB 250 take 35 ms, 5,000 by name 10 s, and all 5,000 0.2 s. */
function tagsFor(ids: readonly string[]): Record<string, string[]>[] {
  if (ids.length > STREAMS_NAMED) return [{}];
  return Array.from({ length: Math.ceil(ids.length / STREAMS_PER_QUESTION) }, (_, index) => ({
    stream: ids.slice(index * STREAMS_PER_QUESTION, (index + 1) * STREAMS_PER_QUESTION),
  }));
}

/** From when a reading's count goes on. */
export function countFrom({ start }: CumulativeReading): Nanoseconds {
  return start === 0n ? MIN_TIME : start;
}

function earliest(times: readonly Nanoseconds[]): Nanoseconds {
  return times.reduce((one, other) => (one < other ? one : other), END_OF_TIME);
}

function grouped<Element>(elements: readonly Element[], keyOf: (element: Element) => string): Element[][] {
  const groups = new Map<string, Element[]>();
  for (const element of elements) {
    const key = keyOf(element);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [element]);
    else group.push(element);
  }
  return [...groups.values()];
}
