import { type Point, SAMPLE } from '../../event.js';
import { END_OF_TIME, MILLISECOND, MIN_TIME } from '../../time.js';
import { boundText, bucketsOf } from './distributions.js';
import { CUMULATIVE, type DataPoint, DELTA, type Metric, NO_RECORDED_VALUE, type ResourceMetrics } from './metrics.js';
import type { MetricStreams, Stream, Streams } from './streams.js';

/** Something read off a stream. */
export interface Reading {
  readonly stream: Stream;
  /** A whole millisecond. */
  readonly time: bigint;
  readonly value: number;
}

/** The state of a stream that counts on and on. */
export interface CumulativeReading extends Reading {
  /** When it began to count from 0, as a whole millisecond; 0 where nobody knows. */
  readonly start: bigint;
  /** Whether its value counts everything since then: where it is as old as its start, only those behind it do. */
  readonly countsFromStart: boolean;
  /** Whether a value below the one before it means that it began anew. */
  readonly monotonic: boolean;
  /** Whether an increase of 0 need not be stored. */
  readonly sparse: boolean;
}

/** What the metrics of a request say. */
export interface Readings {
  /** Values as they are. */
  readonly samples: Point[];
  /** Increases since the reading before them. */
  readonly increases: Reading[];
  readonly cumulative: CumulativeReading[];
  /** How many data points say nothing that can be stored, and why. */
  readonly rejected: number;
  readonly reasons: ReadonlySet<string>;
}

/**
 * Puts metrics into the words of events. Gauges, quantiles, least and greatest values, and sums that may fall, are
 * samples. Sums that only rise and the parts of histograms are increases: as they come with delta temporality, and what
 * `CumulativeStreams` makes of them with cumulative. A histogram `NAME` becomes `NAME.count`, `NAME.sum`, `NAME.min`,
 * `NAME.max` and `NAME.bucket` with the upper bound as tag `le`; a summary `NAME.count`, `NAME.sum` and `NAME` with the
 * tag `quantile`.
 */
export function readingsOf(all: readonly ResourceMetrics[], streams: Streams): Readings {
  const request = new Request();
  for (const { resource, metrics } of all) {
    for (const metric of metrics) request.add(metric, streams.metricOf(resource, metric.scope, metric.name));
  }
  return request;
}

type Mode = 'sample' | 'increase' | 'cumulative';

type Traits = Pick<CumulativeReading, 'monotonic' | 'sparse'>;

const RISING: Traits = { monotonic: true, sparse: false };
/** Values below 0 make it fall. */
const FALLING: Traits = { monotonic: false, sparse: false };
const SPARSE: Traits = { monotonic: true, sparse: true };

class Request implements Readings {
  readonly samples: Point[] = [];
  readonly increases: Reading[] = [];
  readonly cumulative: CumulativeReading[] = [];
  readonly reasons = new Set<string>();
  rejected = 0;
  // Most data points of a request have one time and one start.
  private readonly wholeTime = wholeMilliseconds();
  private readonly wholeStart = wholeMilliseconds();

  add(metric: Metric, streams: MetricStreams): void {
    const mode = modeOf(metric);
    const isNumber = metric.kind === 'gauge' || metric.kind === 'sum';
    for (const point of metric.points) {
      if ((point.flags & NO_RECORDED_VALUE) !== 0) continue;
      const refusal = mode === undefined ? 'no aggregation temporality is named' : refusalOf(metric, point);
      if (mode === undefined || refusal !== undefined) this.reject(refusal ?? '');
      else if (isNumber) this.read(mode, streams.part('').streamOf(point.attributes), point, point.value ?? 0, RISING);
      else this.readDistribution(mode, streams, metric, point);
    }
  }

  private reject(reason: string): void {
    this.rejected++;
    this.reasons.add(reason);
  }

  private read(mode: Mode, stream: Stream, point: DataPoint, value: number, { monotonic, sparse }: Traits): void {
    if (mode === 'sample') {
      this.samples.push({
        series: stream.series,
        time: point.time,
        value: value === 0 ? 0 : value,
        identity: SAMPLE,
      });
      return;
    }
    const time = this.wholeTime(point.time);
    if (mode === 'increase') {
      this.increases.push({ stream, time, value });
      return;
    }
    const start = this.wholeStart(point.start);
    // JavaScript's SDK has finer clocks for starts than for times, so that a start may lie behind within the millisecond.
    const countsFromStart = point.start > 0n && point.start !== point.time && start <= time;
    this.cumulative.push({ stream, time, value, start, countsFromStart, monotonic, sparse });
  }

  private readDistribution(mode: Mode, streams: MetricStreams, { kind }: Metric, point: DataPoint): void {
    const { attributes, count, sum, min, max, quantiles = [] } = point;
    const read = (own: Mode, suffix: string, value: number, traits: Traits): void => {
      this.read(own, streams.part(suffix).streamOf(attributes), point, value, traits);
    };
    read(mode, '.count', count ?? 0, RISING);
    if (sum !== undefined) read(mode, '.sum', sum, FALLING);
    if (kind === 'summary') {
      for (const [quantile, value] of quantiles) {
        if (!Number.isFinite(value)) continue;
        const part = streams.taggedPart('', 'quantile', quantile, String);
        this.read('sample', part.streamOf(attributes), point, value, RISING);
      }
      return;
    }
    if (min !== undefined && Number.isFinite(min)) read('sample', '.min', min, RISING);
    if (max !== undefined && Number.isFinite(max)) read('sample', '.max', max, RISING);
    for (const bucket of bucketsOf(point)) {
      const part = streams.taggedPart('.bucket', 'le', bucket.bound, boundText);
      this.read(mode, part.streamOf(attributes), point, bucket.count, SPARSE);
    }
  }
}

/** Counts have 64 bits. */
const MAX_COUNT = 2 ** 64;

/** Rounds down to the whole millisecond, and not again for the time that came just before. */
function wholeMilliseconds(): (time: bigint) => bigint {
  let [last, whole] = [0n, 0n];
  return (time) => {
    if (time !== last) [last, whole] = [time, time - (time % MILLISECOND)];
    return whole;
  };
}

function refusalOf(metric: Metric, point: DataPoint): string | undefined {
  const { time, value } = point;
  if (time === 0n) return 'timeUnixNano is missing';
  if (time < MIN_TIME || time >= END_OF_TIME) return 'timeUnixNano lies beyond what can be stored';
  if (metric.kind !== 'gauge' && metric.kind !== 'sum') return refusalOfDistribution(point);
  if (value === undefined) return 'there is no value';
  return Number.isFinite(value) ? undefined : 'a value is NaN or infinite';
}

/** What JSON can say and Protocol Buffers cannot is no count either. */
function refusalOfDistribution(point: DataPoint): string | undefined {
  const { count = 0, zeroCount = 0, buckets = [], bounds = [], positive, negative, sum = 0, scale = 0 } = point;
  const counts = [[count, zeroCount], buckets, positive?.counts ?? [], negative?.counts ?? []];
  if (!counts.every((some) => some.every(isCount))) return 'a count is negative, NaN or infinite';
  if (buckets.length > 0 && buckets.length !== bounds.length + 1) {
    return 'a histogram has not one bucket more than it has bounds';
  }
  if (![scale, positive?.offset ?? 0, negative?.offset ?? 0].every(Number.isInteger)) {
    return 'a scale or an offset is no whole number';
  }
  return Number.isFinite(sum) ? undefined : 'a sum is NaN or infinite';
}

function isCount(value: number): boolean {
  return value >= 0 && value <= MAX_COUNT;
}

function modeOf({ kind, temporality, monotonic }: Metric): Mode | undefined {
  if (kind === 'gauge') return 'sample';
  if (kind === 'summary') return 'cumulative';
  if (temporality === DELTA) return 'increase';
  if (temporality !== CUMULATIVE) return undefined;
  return kind === 'sum' && !monotonic ? 'sample' : 'cumulative';
}
