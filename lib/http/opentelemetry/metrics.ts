import { type Attributes, NO_ATTRIBUTES } from './attributes.js';

/**
 * Metrics of OpenTelemetry as they come, whichever encoding they came in: what is used of
 * `opentelemetry.proto.metrics.v1` (https://opentelemetry.io/docs/specs/otel/metrics/data-model/).
 */
export interface ResourceMetrics {
  /** What made them. */
  readonly resource: Attributes;
  readonly metrics: readonly Metric[];
}

export interface Metric {
  readonly name: string;
  /** The name of the instrumentation scope. */
  readonly scope: string;
  readonly kind: MetricKind;
  readonly temporality: number;
  readonly monotonic: boolean;
  readonly points: readonly DataPoint[];
}

export type MetricKind = 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram' | 'summary';

export const DELTA = 1;
export const CUMULATIVE = 2;

/** A data point of any kind; each has what its kind has. Times are nanoseconds since 1970, 0 where there is none. */
export interface DataPoint {
  attributes: Attributes;
  start: bigint;
  time: bigint;
  flags: number;
  value?: number;
  count?: number;
  sum?: number;
  min?: number;
  max?: number;
  /** The bounds of explicit buckets; there is one bucket more. */
  bounds?: number[];
  buckets?: number[];
  /** Of exponential buckets: each is 2^(2^-scale) times as wide as the one before it. */
  scale?: number;
  zeroCount?: number;
  positive?: ExponentialBuckets;
  negative?: ExponentialBuckets;
  quantiles?: (readonly [quantile: number, value: number])[];
}

export interface ExponentialBuckets {
  /** The index of the first. */
  offset: number;
  counts: number[];
}

/** The flag of a point that says only that there is no value (`FLAG_NO_RECORDED_VALUE`). */
export const NO_RECORDED_VALUE = 1;

export function emptyPoint(): DataPoint {
  return { attributes: NO_ATTRIBUTES, start: 0n, time: 0n, flags: 0 };
}
