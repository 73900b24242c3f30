import { adoptSeries } from '../../adoption.js';
import { type Point, SAMPLE, type Series } from '../../event.js';
import { END_OF_TIME, MILLISECOND, MIN_TIME } from '../../time.js';
import { boundedText } from './bounded-text.js';
import { framed, SeriesCache } from '../series-cache.js';
import { bucketsOf } from './distributions.js';
import {
  type Attributes,
  CUMULATIVE,
  type DataPoint,
  DELTA,
  type Metric,
  NO_RECORDED_VALUE,
  type ResourceMetrics,
} from './metrics.js';

/** Which attributes become tags. */
export interface TagChoice {
  /** Of the resource. */
  readonly resourceTags: readonly string[];
  /** Of the data points; null: all. */
  readonly tags: readonly string[] | null;
}

/** Something read off a stream: what makes it one stream is its resource, scope, name and attributes, all of them. */
export interface Reading {
  readonly stream: string;
  readonly series: Series;
  readonly time: bigint;
  readonly value: number;
}

/** The state of a stream that counts on and on. */
export interface CumulativeReading extends Reading {
  /** When it began to count from 0; 0 where nobody knows. */
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

type Mode = 'sample' | 'increase' | 'cumulative';

/** Counts have 64 bits. */
const MAX_COUNT = 2 ** 64;

/**
 * Puts metrics into the words of events. Gauges, quantiles, least and greatest values, and sums that may fall, are
 * samples. Sums that only rise and the parts of histograms are increases: as they come with delta temporality, and what
 * `CumulativeStreams` makes of them with cumulative. A histogram `NAME` becomes `NAME.count`, `NAME.sum`, `NAME.min`,
 * `NAME.max` and `NAME.bucket` with the upper bound as tag `le`; a summary `NAME.count`, `NAME.sum` and `NAME` with the
 * tag `quantile`.
 */
export class ReadingMaker {
  private readonly cache = new SeriesCache();
  private readonly chosen: ReadonlySet<string> | undefined;

  constructor(private readonly choice: TagChoice) {
    this.chosen = choice.tags === null ? undefined : new Set(choice.tags);
  }

  readingsOf(all: readonly ResourceMetrics[]): Readings {
    const request = new Request(this.cache);
    for (const { resource, metrics } of all) {
      const source = this.sourceOf(resource);
      for (const metric of metrics) {
        for (const point of metric.points) {
          const tags = this.chosen === undefined ? point.attributes : this.chosenOf(point.attributes, this.chosen);
          addDataPoint(new Stream(request, source, metric, point, tags), metric, point);
        }
      }
    }
    return request;
  }

  private sourceOf(resource: Attributes): Source {
    const values = new Map(resource);
    const namespace =
      ['service.name', 'host.name'].map((key) => values.get(key) ?? '').find((text) => text !== '') ?? 'otel';
    const tags = this.choice.resourceTags.flatMap((key): Attributes => {
      const value = values.get(key);
      return value === undefined ? [] : [[key, value]];
    });
    return { namespace, tags, identity: boundedText(textOf([...values].sort(byKey))), tagsText: textOf(tags) };
  }

  private chosenOf(attributes: Attributes, chosen: ReadonlySet<string>): Attributes {
    return attributes.filter(([key]) => chosen.has(key));
  }
}

/** What is known of a resource. */
interface Source {
  readonly namespace: string;
  readonly tags: Attributes;
  readonly identity: string;
  readonly tagsText: string;
}

class Request implements Readings {
  readonly samples: Point[] = [];
  readonly increases: Reading[] = [];
  readonly cumulative: CumulativeReading[] = [];
  readonly reasons = new Set<string>();
  rejected = 0;

  constructor(readonly cache: SeriesCache) {}

  reject(reason: string): void {
    this.rejected++;
    this.reasons.add(reason);
  }
}

/** Of one data point, where its parts go. */
class Stream {
  private readonly identity: string;
  private readonly seriesText: string;
  private readonly time: bigint;

  constructor(
    readonly request: Request,
    private readonly source: Source,
    private readonly metric: Metric,
    private readonly point: DataPoint,
    private readonly tags: Attributes,
  ) {
    const own = textOf(tags);
    const all = tags === point.attributes ? own : textOf(point.attributes);
    this.identity = framed(source.identity) + framed(metric.scope) + framed(metric.name) + framed(all);
    this.seriesText = framed(source.namespace) + framed(source.tagsText) + framed(own) + framed(metric.name);
    this.time = point.time - (point.time % MILLISECOND);
  }

  /**
   * Adds a value of the data point.
   * @param suffix - behind the name of the metric
   * @param extra - a tag beside those of the data point
   */
  add(
    mode: Mode,
    value: number,
    suffix = '',
    extra?: readonly [string, string],
    traits?: Partial<CumulativeReading>,
  ): void {
    const { request, metric, source, tags, point } = this;
    const part = extra === undefined ? suffix : `${suffix} ${extra[0]} ${extra[1]}`;
    const series = request.cache.find(this.seriesText + part, () =>
      adoptSeries(source.namespace, metric.name + suffix, [...source.tags, ...tags, ...(extra ? [extra] : [])]),
    );
    if (mode === 'sample') {
      request.samples.push({ series, time: point.time, value: value === 0 ? 0 : value, identity: SAMPLE });
      return;
    }
    const reading = { stream: this.identity + part, series, time: this.time, value };
    if (mode === 'increase') request.increases.push(reading);
    else {
      const { start } = point;
      const countsFromStart = start > 0n && start < point.time;
      request.cumulative.push({ ...reading, start, countsFromStart, monotonic: true, sparse: false, ...traits });
    }
  }
}

function addDataPoint(stream: Stream, metric: Metric, point: DataPoint): void {
  if ((point.flags & NO_RECORDED_VALUE) !== 0) return;
  const mode = modeOf(metric);
  const refusal = mode === undefined ? 'no aggregation temporality is named' : refusalOf(metric, point);
  if (mode === undefined || refusal !== undefined) stream.request.reject(refusal ?? '');
  else if (metric.kind === 'gauge' || metric.kind === 'sum') stream.add(mode, point.value ?? 0);
  else addDistribution(stream, mode, metric, point);
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
  const { count = 0, zeroCount = 0, buckets = [], positive, negative, sum = 0, scale = 0 } = point;
  const counts = [[count, zeroCount], buckets, positive?.counts ?? [], negative?.counts ?? []];
  if (!counts.every((some) => some.every(isCount))) return 'a count is negative, NaN or infinite';
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

function addDistribution(stream: Stream, mode: Mode, { kind }: Metric, point: DataPoint): void {
  const { count, sum, min, max, quantiles = [] } = point;
  stream.add(mode, count ?? 0, '.count');
  // Values below 0 make it fall.
  if (sum !== undefined) stream.add(mode, sum, '.sum', undefined, { monotonic: false });
  if (kind === 'summary') {
    for (const [quantile, value] of quantiles) {
      if (Number.isFinite(value)) stream.add('sample', value, '', ['quantile', String(quantile)]);
    }
    return;
  }
  if (min !== undefined && Number.isFinite(min)) stream.add('sample', min, '.min');
  if (max !== undefined && Number.isFinite(max)) stream.add('sample', max, '.max');
  for (const bucket of bucketsOf(point)) {
    stream.add(mode, bucket.count, '.bucket', ['le', bucket.le], { sparse: true });
  }
}

function textOf(attributes: Attributes): string {
  let text = '';
  for (const [key, value] of attributes) text += framed(key) + framed(value);
  return text;
}

function byKey([one]: readonly [string, string], [other]: readonly [string, string]): number {
  return one < other ? -1 : 1;
}
