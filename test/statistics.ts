import type { Aggregation } from '../lib/aggregation.js';
import { toMilliseconds, type Nanoseconds } from '../lib/time.js';

/** What a statistic is made from. At least one, in order of time. */
export type Measurements = readonly { readonly time: Nanoseconds; readonly value: number }[];

/** The aggregate of measurements, by its definition; null where it has none. */
export function aggregateOf(aggregation: Aggregation, measurements: Measurements): number | null {
  const values = measurements.map(({ value }) => value);
  switch (aggregation) {
    case 'count':
      return values.length;
    case 'min':
      return ascending(values)[0] ?? null;
    case 'max':
      return ascending(values).at(-1) ?? null;
    case 'sum':
      return exactSum(values);
    case 'avg':
      return exactSum(values) / values.length;
    case 'first':
      return values[0] ?? null;
    case 'last':
      return values.at(-1) ?? null;
    case 'stddev':
      return deviation(values);
    case 'median':
      return quantile(values, 50);
    default:
      return quantile(values, Number(aggregation.slice(1)));
  }
}

/**
 * What is wrong with an answer, or nothing: count, min and max must be exact, `first` and `last` any value of that
 * millisecond, and the rest right to 1e-9 of the numbers that it is made from, for these may cancel.
 */
export function mistakeIn(
  answer: number | null,
  aggregation: Aggregation,
  measurements: Measurements,
): string | undefined {
  const expected = aggregateOf(aggregation, measurements);
  const fits =
    aggregation === 'first' || aggregation === 'last'
      ? answer !== null && ofOneMillisecond(measurements, aggregation).includes(answer)
      : answer === null || expected === null
        ? answer === expected
        : Math.abs(answer - expected) <= 1e-9 * magnitude(aggregation, measurements);
  return fits ? undefined : `${aggregation} is ${String(answer)} and should be ${String(expected)}`;
}

function ofOneMillisecond(measurements: Measurements, end: 'first' | 'last'): number[] {
  const chosen = measurements.at(end === 'first' ? 0 : -1);
  return measurements
    .filter(({ time }) => chosen && toMilliseconds(time) === toMilliseconds(chosen.time))
    .map(({ value }) => value);
}

/** The size of the numbers whose rounding shows in the aggregate. */
function magnitude(aggregation: Aggregation, measurements: Measurements): number {
  const sizes = measurements.map(({ value }) => Math.abs(value));
  switch (aggregation) {
    case 'count':
    case 'min':
    case 'max':
      return 0;
    case 'sum':
      return exactSum(sizes);
    case 'avg':
    case 'stddev':
      return largest(sizes);
    default: {
      // The values on both sides of the rank, which is itself only as exact as a float.
      const percent = aggregation === 'median' ? 50 : Number(aggregation.slice(1));
      const rank = ((sizes.length - 1) * percent) / 100;
      const values = ascending(measurements.map(({ value }) => value));
      const around = values.slice(Math.floor(Math.max(0, rank - 1e-6)), Math.ceil(rank + 1e-6) + 1);
      return largest(around.map(Math.abs));
    }
  }
}

/** Numpy's default: linear between the two nearest values (Hyndman and Fan's type 7). */
function quantile(values: readonly number[], percent: number): number {
  const order = ascending(values);
  const rank = ((order.length - 1) * percent) / 100;
  const low = order[Math.floor(rank)] ?? NaN;
  const high = order[Math.ceil(rank)] ?? NaN;
  return low === high ? low : low + (high - low) * (rank - Math.floor(rank));
}

/** The sample standard deviation, in two passes. */
function deviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = exactSum(values) / values.length;
  return Math.sqrt(exactSum(values.map((value) => (value - mean) ** 2)) / (values.length - 1));
}

/**
 * The sum, rounded once: partial sums that do not overlap carry every bit (Shewchuk 1997, "Adaptive Precision
 * Floating-Point Arithmetic"; Python's math.fsum).
 */
function exactSum(values: readonly number[]): number {
  const partials: number[] = [];
  for (const value of values) {
    let carried = value;
    const kept: number[] = [];
    for (const partial of partials) {
      const sum = carried + partial;
      const [large, small] = Math.abs(carried) < Math.abs(partial) ? [partial, carried] : [carried, partial];
      const lost = small - (sum - large);
      if (lost !== 0) kept.push(lost);
      carried = sum;
    }
    partials.splice(0, Infinity, ...kept, carried);
  }
  return partials.reduceRight((sum, partial) => sum + partial, 0);
}

function largest(values: readonly number[]): number {
  return values.reduce((one, other) => Math.max(one, other));
}

function ascending(values: readonly number[]): number[] {
  return [...Float64Array.from(values).sort()];
}
