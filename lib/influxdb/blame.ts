import type { Answer } from './connection.js';

/**
 * Lines that are written when they are sent: all of them beside their points would take several times as much memory.
 * The line of an index is always the same.
 */
export interface Lines {
  keys(): Iterable<number>;
  at(index: number): string | undefined;
}

const MEASUREMENT = /^(?:\\.|[^\\, ])*/s;
const DROPPED = / dropped=(\d+)(?: for database: \S+ for retention policy: \S+)?$/;

/** The lines that are to blame for a refusal for certain; it may be none, and others may be too. */
export function blamed(answer: Answer, lines: Lines, indexes: readonly number[]): readonly number[] {
  if (indexes.length === 1) return indexes;
  if (answer.status === 400) return namedIn(answer, lines, indexes);
  // It counts lines of one shard only, or those that are too old, each of them once (tsdb/shard.go and
  // v1/coordinator/points_writer.go of influxd 2.0 to 2.7.12): there may be more, but never fewer.
  const dropped = answer.status === 422 ? DROPPED.exec(answer.message)?.[1] : undefined;
  return Number(dropped) === indexes.length ? indexes : [];
}

/**
 * Cuts lines in two where some are to blame. InfluxDB allows one type for each measurement and shard and refuses what is
 * older than some time, so that lines of one measurement stay together, and beyond that lines of one time. Those of the
 * same series and time keep their order.
 */
export function halved(lines: Lines, indexes: readonly number[]): readonly [readonly number[], readonly number[]] {
  const sorted = indexes.map((index) => placeOf(index, lines.at(index) ?? '')).sort(compare);
  const middle = Math.ceil(sorted.length / 2);
  let cut = middle;
  for (let distance = 0; distance < middle; distance++) {
    const boundary = [middle - distance, middle + distance].find((at) => isBetweenMeasurements(sorted, at));
    if (boundary === undefined) continue;
    cut = boundary;
    break;
  }
  const inOrder = sorted.map(({ index }) => index);
  return [inOrder.slice(0, cut), inOrder.slice(cut)];
}

interface Place {
  readonly index: number;
  readonly measurement: string;
  readonly time: number;
}

function placeOf(index: number, line: string): Place {
  const [measurement = ''] = MEASUREMENT.exec(line) ?? [];
  // Equal times are equal as doubles too.
  return { index, measurement, time: Number(line.slice(line.lastIndexOf(' ') + 1)) || 0 };
}

function compare(one: Place, other: Place): number {
  if (one.measurement !== other.measurement) return one.measurement < other.measurement ? -1 : 1;
  return one.time - other.time;
}

function isBetweenMeasurements(sorted: readonly Place[], at: number): boolean {
  const [before, after] = [sorted[at - 1], sorted[at]];
  return before !== undefined && after !== undefined && before.measurement !== after.measurement;
}

/** The lines that a 400 names; none where it names all, as it may have cut its list. */
function namedIn({ message }: Answer, lines: Lines, indexes: readonly number[]): readonly number[] {
  const named = indexes.filter((index) => message.includes(`'${lines.at(index) ?? ''}'`));
  return named.length < indexes.length ? named : [];
}
