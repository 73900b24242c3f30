import type { Point } from '../event.js';
import { type PointBatch, batchOf, pointsOf } from '../point-batch.js';
import { MILLISECOND, toMilliseconds } from '../time.js';
import { ALL_POINTS, type Source, type Step } from '../transfer.js';

const MAX_KEPT = 16;

/**
 * Some of the points that were stored, from the first to the last: a store that holds them all is the one that they went
 * into, and was not emptied since.
 */
export class Witnesses {
  private kept: Point[];
  private last: Point | undefined;
  private steps = 0;
  /** Steps of which one point is kept. */
  private every = 1;

  constructor(batch?: PointBatch) {
    this.kept = batch === undefined ? [] : pointsOf(batch);
  }

  get batch(): PointBatch {
    const { last } = this;
    return batchOf(last === undefined || this.kept.at(-1) === last ? this.kept : [...this.kept, last]);
  }

  add({ points, refusals }: Step): void {
    const refused = new Set(refusals.map(({ index }) => index));
    this.last = points.findLast((_, index) => !refused.has(index)) ?? this.last;
    if (this.steps++ % this.every > 0 || this.last === undefined) return;
    this.kept.push(this.last);
    if (this.kept.length <= MAX_KEPT) return;
    this.kept = this.kept.filter((_, index) => index % 2 === 0);
    this.every *= 2;
  }

  /** Whether the source holds them all. @throws TrackingError as the source does */
  async areIn(source: Source): Promise<boolean> {
    for (const point of this.kept) if (!(await isIn(source, point))) return false;
    return true;
  }
}

/** A point with an id may have moved within its millisecond, and InfluxDB cannot tell samples from others. */
async function isIn(source: Source, point: Point): Promise<boolean> {
  const from = BigInt(toMilliseconds(point.time)) * MILLISECOND;
  const range = { ...ALL_POINTS, from, to: from + MILLISECOND };
  for await (const points of source.points(range)) {
    if (points.some((other) => isSame(point, other))) return true;
  }
  return false;
}

function isSame({ series, time, identity }: Point, other: Point): boolean {
  if (series.key !== other.series.key) return false;
  if (identity.kind !== 'id') return time === other.time;
  return other.identity.kind === 'id' && other.identity.fingerprint === identity.fingerprint;
}
