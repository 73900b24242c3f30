import { lengthTag, type ProtobufReader, readMessage, varintTag } from '../protobuf.js';
import { type Attributes, NO_ATTRIBUTES } from './attributes.js';
import type { ParseContext } from './parse-context.js';
import { joined, readRun } from './protobuf-attributes.js';
import { POINT_READERS } from './protobuf-points.js';
import type { DataPoint, Metric, MetricKind, ResourceMetrics } from './metrics.js';

/**
 * Reads an `ExportMetricsServiceRequest` (opentelemetry-proto 1.x, collector/metrics/v1/metrics_service.proto). What
 * holds no data points is not kept, for of two bytes each there may be millions.
 * @throws TrackingError `invalid` where it is none, `too-large` where it holds too much
 */
export function readProtobufMetrics(body: Buffer, context: ParseContext): ResourceMetrics[] {
  return readMessage(body, 'ExportMetricsServiceRequest', (reader) => {
    const all: ResourceMetrics[] = [];
    reader.fields((tag) => {
      if (tag !== lengthTag(1)) reader.pass(tag);
      else {
        const own = readResourceMetrics(reader, context);
        if (own.metrics.length > 0) all.push(own);
      }
    }, body.length);
    return all;
  });
}

function readResourceMetrics(reader: ProtobufReader, context: ParseContext): ResourceMetrics {
  let resource = NO_ATTRIBUTES;
  const metrics: Metric[] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(1)) resource = readResource(reader, context);
    else if (tag === lengthTag(2)) readScopeMetrics(reader, context, metrics);
    else reader.pass(tag);
  });
  return { resource, metrics };
}

function readResource(reader: ProtobufReader, context: ParseContext): Attributes {
  const runs: Attributes[] = [];
  reader.fields((tag, end) => {
    if (tag === lengthTag(1)) runs.push(readRun(reader, tag, end, context));
    else reader.pass(tag);
  });
  return joined(runs, context);
}

function readScopeMetrics(reader: ProtobufReader, context: ParseContext, metrics: Metric[]): void {
  let scope = '';
  const own: Metric[] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(1)) scope = readScope(reader);
    else if (tag === lengthTag(2)) {
      const metric = readMetric(reader, context);
      if (metric.points.length > 0) own.push(metric);
    } else reader.pass(tag);
  });
  for (const metric of own) metrics.push({ ...metric, scope });
}

function readScope(reader: ProtobufReader): string {
  let name = '';
  reader.fields((tag) => {
    if (tag === lengthTag(1)) name = reader.boundedText();
    else reader.pass(tag);
  });
  return name;
}

const KINDS = new Map<number, MetricKind>([
  [lengthTag(5), 'gauge'],
  [lengthTag(7), 'sum'],
  [lengthTag(9), 'histogram'],
  [lengthTag(10), 'exponentialHistogram'],
  [lengthTag(11), 'summary'],
]);

function readMetric(reader: ProtobufReader, context: ParseContext): Metric {
  let name = '';
  let kind: MetricKind = 'gauge';
  let data: Data = NO_DATA;
  reader.fields((tag) => {
    const found = KINDS.get(tag);
    if (found !== undefined) {
      kind = found;
      data = readData(reader, found, context);
    } else if (tag === lengthTag(1)) name = reader.boundedText();
    else reader.pass(tag);
  });
  return { name, scope: '', kind, ...data };
}

type Data = Pick<Metric, 'points' | 'temporality' | 'monotonic'>;

const NO_DATA: Data = { points: [], temporality: 0, monotonic: false };

/** Gauge, Sum, Histogram, ExponentialHistogram and Summary have the same fields, as far as they have them. */
function readData(reader: ProtobufReader, kind: MetricKind, context: ParseContext): Data {
  const readPoint = POINT_READERS[kind];
  const points: DataPoint[] = [];
  let temporality = 0;
  let monotonic = false;
  reader.fields((tag) => {
    if (tag === lengthTag(1)) {
      context.limits.countPoint();
      points.push(readPoint(reader, context));
    } else if (tag === varintTag(2)) temporality = reader.int32();
    else if (tag === varintTag(3)) monotonic = reader.bool();
    else reader.pass(tag);
  });
  return { points, temporality, monotonic };
}
