import type { EventsQuery, Selection } from '../aggregation.js';
import type { StoredEvent } from '../store.js';
import { byCodeUnit } from './discovery.js';
import type { FieldTypes } from './field-types.js';
import { type Flux, type Range, beforeSum, matching, points, rangeOf, script } from './flux.js';
import { tagsOfRow } from './learning.js';
import { readTime } from './moments.js';
import type { Reader } from './reader.js';
import { cellOf } from './rows.js';
import { slicesOf } from './slices.js';

// InfluxDB answers series by series, so a slice of time has to be sorted as a whole before its first event can go out;
// while it sorts, writes wait: 43 ms (p99, two cores) beside slices of this size, 86 beside five times as many.
const MAX_SLICE = 10_000;
const MIN_SLICE = 1000;

/** See `Store.events`: slice of time by slice of time, each sorted in InfluxDB. */
export async function* streamEvents(
  reader: Reader,
  bucket: string,
  types: FieldTypes,
  { selection, from, limit = Infinity }: EventsQuery,
  signal: AbortSignal,
): AsyncGenerator<StoredEvent, void, undefined> {
  const all = rangeOf(selection);
  const start = from && from.time > all.start ? from.time : all.start;
  let skip = from?.time === start ? from.skip : 0;
  let left = limit;
  const enough = Math.min(MAX_SLICE, Math.max(MIN_SLICE, skip + limit));
  const question = { reader, bucket, selection, signal };
  for (const stretch of await types.stretches(selection.namespace, { start, end: all.end })) {
    for await (const slice of slicesOf(stretch, enough, (range) => countIn(question, range))) {
      for await (const event of sliceOf(question, slice)) {
        if (skip > 0 && event.time === start) {
          skip--;
          continue;
        }
        if (left-- <= 0) return;
        yield event;
        if (left === 0) return;
      }
    }
  }
}

interface Question {
  readonly reader: Reader;
  readonly bucket: string;
  readonly selection: Selection;
  readonly signal: AbortSignal;
}

async function countIn({ reader, bucket, selection, signal }: Question, range: Range): Promise<number> {
  let count = 0;
  const query = script`${dataOf(bucket, selection, range)}${beforeSum(range)} |> count()`;
  for await (const row of reader.rows(query, signal)) {
    count += Number(cellOf(row, '_value'));
  }
  return count;
}

async function* sliceOf(
  { reader, bucket, selection, signal }: Question,
  range: Range,
): AsyncGenerator<StoredEvent, void, undefined> {
  // Something must stand before group(): run in the storage engine it keeps the tags where they were while sort()
  // moves the times and values (influxd 2.7.12, where some series lack a tag).
  const sorted = script`${dataOf(bucket, selection, range)}
    |> drop(columns: ["_start", "_stop", "_field", "_measurement", "name"]) |> group() |> sort(columns: ["_time"])`;
  // Flux leaves the order among equal times open; by tags it is the same each time.
  let together: StoredEvent[] = [];
  for await (const batch of reader.unhurried(sorted, signal)) {
    for (const row of batch) {
      const event = {
        time: readTime(cellOf(row, '_time')),
        value: Number(cellOf(row, '_value')),
        tags: tagsOfRow(row),
      };
      if (together[0] !== undefined && together[0].time !== event.time) {
        yield* inOrderOfTags(together);
        together = [];
      }
      together.push(event);
    }
  }
  yield* inOrderOfTags(together);
}

function inOrderOfTags(events: readonly StoredEvent[]): readonly StoredEvent[] {
  return events.length < 2 ? events : [...events].sort((a, b) => byCodeUnit(keyOf(a), keyOf(b)));
}

function keyOf({ tags }: StoredEvent): string {
  return Object.keys(tags)
    .sort(byCodeUnit)
    .map((key) => `${key}\0${tags[key] ?? ''}`)
    .join('\0');
}

function dataOf(bucket: string, selection: Selection, range: Range): Flux {
  return script`${points(bucket, range)} |> ${matching(selection)}`;
}
