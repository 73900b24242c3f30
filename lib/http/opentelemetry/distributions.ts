import type { DataPoint, ExponentialBuckets } from './metrics.js';

/** How many values lie in a bucket: those above the bound before it up to its own, `+Inf` for the last. */
export interface Bucket {
  /** The bucket's upper bound. */
  readonly bound: number;
  readonly count: number;
}

/** The buckets of a histogram that hold anything: explicit ones as they are, exponential ones by powers of two. */
export function bucketsOf(point: DataPoint): Bucket[] {
  const { bounds, buckets, scale } = point;
  if (scale !== undefined) return exponentialBuckets(point, scale);
  return (buckets ?? []).flatMap((count, index) => (count > 0 ? [{ bound: bounds?.[index] ?? Infinity, count }] : []));
}

/**
 * Exponential buckets merged to scale 0, where each ends at twice the bound of the one before it. The scale that comes
 * depends on the values so far and changes with them; with bounds that never move the buckets of all times add up, and
 * values over six orders of magnitude take twenty.
 * (https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponential-buckets)
 */
function exponentialBuckets({ zeroCount = 0, positive, negative }: DataPoint, scale: number): Bucket[] {
  const below = [...merged(negative, scale)].map(([index, count]) => ({
    bound: -(2 ** lowerExponent(index, scale)),
    count,
  }));
  const above = [...merged(positive, scale)].map(([index, count]) => ({
    bound: 2 ** upperExponent(index, scale),
    count,
  }));
  const zero = zeroCount > 0 ? [{ bound: 0, count: zeroCount }] : [];
  return [...below, ...zero, ...above];
}

/** Counts by index at scale 0, or at the scale itself where that is coarser; only those that hold anything. */
function merged(buckets: ExponentialBuckets | undefined, scale: number): Map<number, number> {
  const counts = new Map<number, number>();
  buckets?.counts.forEach((count, position) => {
    if (!(count > 0)) return;
    const index = scale > 0 ? Math.floor((buckets.offset + position) / 2 ** scale) : buckets.offset + position;
    counts.set(index, (counts.get(index) ?? 0) + count);
  });
  return counts;
}

function lowerExponent(index: number, scale: number): number {
  return scale > 0 ? index : index * 2 ** -scale;
}

function upperExponent(index: number, scale: number): number {
  return lowerExponent(index + 1, scale);
}

/** A bound as a tag. */
export function boundText(bound: number): string {
  return bound === Infinity ? '+Inf' : bound === -Infinity ? '-Inf' : String(bound === 0 ? 0 : bound);
}
