import type { Reader } from '../../store.js';
import { END_OF_TIME, MILLISECOND, MIN_TIME } from '../../time.js';
import { STATE_NAME } from './streams.js';

/** The question for the last value of a stream within a range of time, in whole milliseconds, its end excluded. */
export interface StateQuestion {
  readonly namespace: string;
  readonly id: string;
  readonly from: bigint;
  readonly to: bigint;
}

/** Streams that one question to the store may be about, and how many such questions are under way at once. */
const STREAMS_PER_QUESTION = 250;
const QUESTIONS_AT_ONCE = 2;

export function questionKey({ namespace, id, from, to }: StateQuestion): string {
  return `${id} ${from} ${to} ${namespace}`;
}

/**
 * Asks the store for the state of streams: one question for all that share namespace and range.
 * @returns by `questionKey`; nothing where the stream has no value there
 */
export async function readStates(
  reader: Pick<Reader, 'aggregate'>,
  questions: readonly StateQuestion[],
): Promise<ReadonlyMap<string, number>> {
  const groups = new Map<string, StateQuestion[]>();
  for (const question of questions) {
    const key = `${question.from} ${question.to} ${question.namespace}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [question]);
    else group.push(question);
  }
  const parts = [...groups.values()].flatMap((group) => chunksOf(group, STREAMS_PER_QUESTION));
  const found = new Map<string, number>();
  const workers = Array.from({ length: QUESTIONS_AT_ONCE }, async () => {
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) await readPart(reader, part, found);
  });
  await Promise.all(workers);
  return found;
}

async function readPart(
  reader: Pick<Reader, 'aggregate'>,
  part: readonly StateQuestion[],
  found: Map<string, number>,
): Promise<void> {
  const [first] = part;
  if (first === undefined) return;
  const { namespace, from, to } = first;
  const start = from < MIN_TIME ? MIN_TIME : from;
  const end = to > END_OF_TIME ? END_OF_TIME : to;
  if (start >= end) return;
  const windows = reader.aggregate({
    selection: {
      namespace,
      name: STATE_NAME,
      tsMin: start,
      tsMax: end,
      tags: { stream: [...new Set(part.map(({ id }) => id))] },
    },
    windows: [{ start, length: end - start, count: 1 }],
    aggregations: ['last'],
    groupBy: 'stream',
  });
  for await (const { group, values } of windows) {
    const value = values[0];
    if (group !== undefined && typeof value === 'number') {
      found.set(questionKey({ namespace, id: group, from, to }), value);
    }
  }
}

/** Rounds down to the whole millisecond. */
export function wholeMillisecond(time: bigint): bigint {
  return time - (time % MILLISECOND);
}

function chunksOf<Element>(elements: readonly Element[], size: number): Element[][] {
  return Array.from({ length: Math.ceil(elements.length / size) }, (_, index) =>
    elements.slice(index * size, (index + 1) * size),
  );
}
