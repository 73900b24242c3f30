import type { Selection } from '../aggregation.js';
import { TrackingError } from '../errors.js';
import type { Series } from '../event.js';
import type { Connection } from './connection.js';
import type { FieldTypes } from './field-types.js';
import { isSilence, neverConnected, trackingErrorOf } from './failure.js';
import { ALL_TIME, beforeSum, matching, points, type Range, rangeOf, script } from './flux.js';
import { seriesOfRow } from './learning.js';
import { writeTime } from './moments.js';
import { assertApart, assertDeletable, continuing, predicatesOf } from './predicate.js';
import type { Reader } from './reader.js';
import { pause, Waits } from './retry.js';
import { cellOf } from './rows.js';
import { turnedAway } from './verdict.js';

export interface DeletionOptions {
  readonly reader: Reader;
  readonly connection: Connection;
  readonly org: string;
  readonly bucket: string;
  readonly types: FieldTypes;
  /** Milliseconds that a deletion may take before it is divided in time. */
  readonly timeout: number;
}

const TRIES = 5;
const LEFT_OVER = 'InfluxDB has not deleted all of the events: ask for the deletion once more.';

interface Found {
  /** How many points. */
  count: number;
  readonly series: Map<string, Series>;
}

/** Deletes points and tells how many: InfluxDB does the first without the second, and answers 204 whatever became of it. */
export class Deletion {
  constructor(private readonly options: DeletionOptions) {}

  /** See `Store.delete`. */
  async delete(selection: Selection, assertHeld?: () => void): Promise<number> {
    const range = rangeOf(selection);
    if (range.start >= range.end) return 0;
    const { count, series } = await this.find(selection, range);
    if (series.size === 0) return 0;
    assertDeletable(selection, series.values());
    assertApart(series.values(), await this.continuing(selection, series));
    for (const predicate of predicatesOf(selection, series.values())) {
      await this.inParts(range, (part) => this.remove(predicate, part, assertHeld));
    }
    if ((await this.find(selection, range)).series.size === 0) return count;
    throw new TrackingError('unavailable', LEFT_OVER, { retryAfter: 5 });
  }

  /** Series with points or, after a deletion that was cut off, with nothing but ids: these would hide a new event. */
  private async find(selection: Selection, range: Range): Promise<Found> {
    const found: Found = { count: 0, series: new Map() };
    for (const stretch of await this.options.types.stretches(selection.namespace, range, 'fresh')) {
      await this.note('value', selection, stretch, found);
    }
    await this.note('id', selection, range, found);
    return found;
  }

  private async note(field: 'value' | 'id', selection: Selection, range: Range, found: Found): Promise<void> {
    const { reader, bucket } = this.options;
    await this.inParts(range, async (part) => {
      // Noted at the end: a question that is cut off is asked again in parts.
      const rows: Found = { count: 0, series: new Map() };
      const data = script`${points(bucket, part)} |> ${matching(selection, field)}${beforeSum(part)} |> count()`;
      for await (const row of reader.rows(data)) {
        const count = Number(cellOf(row, '_value'));
        const series = seriesOfRow(row);
        if (count === 0 || series === undefined) continue;
        if (field === 'value') rows.count += count;
        rows.series.set(series.key, series);
      }
      found.count += rows.count;
      for (const [key, series] of rows.series) found.series.set(key, series);
    });
  }

  private async continuing({ namespace }: Selection, series: ReadonlyMap<string, Series>): Promise<Series[]> {
    const { reader, bucket, types } = this.options;
    const others: Series[] = [];
    for (const stretch of await types.stretches(namespace, ALL_TIME, 'fresh')) {
      const data = script`${points(bucket, stretch)} |> ${continuing(namespace, series.values())} |> first()`;
      for await (const row of reader.rows(data)) {
        const other = seriesOfRow(row);
        if (other) others.push(other);
      }
    }
    return others;
  }

  /** Does work over a range at once or, where InfluxDB takes too long over it, half by half. */
  private async inParts(range: Range, work: (part: Range) => Promise<void>): Promise<void> {
    try {
      await work(range);
    } catch (error) {
      const middle = (range.start + range.end) / 2n;
      if (!isSilence(error) || middle <= range.start) throw error;
      await this.inParts({ start: range.start, end: middle }, work);
      await this.inParts({ start: middle, end: range.end }, work);
    }
  }

  private async remove(predicate: string, { start, end }: Range, assertHeld?: () => void): Promise<void> {
    const { connection, org, bucket, timeout } = this.options;
    const target = `/api/v2/delete?${new URLSearchParams({ org, bucket }).toString()}`;
    // InfluxDB includes the last instant.
    const body = JSON.stringify({ predicate, start: writeTime(start), stop: writeTime(end - 1n) });
    const waits = new Waits();
    // To delete again what is deleted does no harm.
    for (let tries = 1; ; tries++) {
      // Whoever has the partition by now may have stored events since.
      assertHeld?.();
      const outcome = await connection
        .exchange({ target, body, type: 'application/json', timeout })
        .catch((error: unknown) => {
          const failure = trackingErrorOf(error, connection.url);
          if (isSilence(error) || neverConnected(error)) throw failure;
          return failure;
        });
      const answer = outcome instanceof TrackingError ? undefined : outcome;
      if (answer?.status === 204) return;
      const failure = outcome instanceof TrackingError ? outcome : turnedAway(outcome, connection.url);
      const passing = answer === undefined || answer.status === 429 || answer.status >= 500;
      if (!passing || tries === TRIES || connection.signal.aborted) throw failure;
      await pause(waits.next(answer?.retryAfter), connection.signal);
    }
  }
}
