import { lengthTag, type ProtobufReader, readMessage, varintTag } from '../protobuf.js';
import type { Limits } from './limits.js';
import { readAttribute } from './protobuf-attributes.js';
import { POINT_READERS } from './protobuf-points.js';
import type { Attributes, DataPoint, Metric, MetricKind, ResourceMetrics } from './metrics.js';

/**
 * Reads an `ExportMetricsServiceRequest` (opentelemetry-proto 1.x, collector/metrics/v1/metrics_service.proto).
 * @throws TrackingError `invalid` where it is none, `too-large` where it holds too much
 */
export function readProtobufMetrics(body: Buffer, limits: Limits): ResourceMetrics[] {
  return readMessage(body, 'ExportMetricsServiceRequest', (reader) => {
    const all: ResourceMetrics[] = [];
    reader.fields((tag) => {
      if (tag === lengthTag(1)) addMetrics(all, readResourceMetrics(reader, limits));
      else reader.pass(tag);
    }, body.length);
    return all;
  });
}

/** Those without metrics are left out: a body may have millions of them. */
function addMetrics(all: ResourceMetrics[], one: ResourceMetrics): void {
  if (one.metrics.length > 0) all.push(one);
}

function readResourceMetrics(reader: ProtobufReader, limits: Limits): ResourceMetrics {
  let resource: Attributes = [];
  const metrics: Metric[] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(1)) resource = readResource(reader);
    else if (tag === lengthTag(2)) readScopeMetrics(reader, limits, metrics);
    else reader.pass(tag);
  });
  return { resource, metrics };
}

function readResource(reader: ProtobufReader): Attributes {
  const attributes: (readonly [string, string])[] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(1)) readAttribute(reader, attributes);
    else reader.pass(tag);
  });
  return attributes;
}

function readScopeMetrics(reader: ProtobufReader, limits: Limits, metrics: Metric[]): void {
  let scope = '';
  const own: Metric[] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(1)) scope = readScope(reader);
    else if (tag === lengthTag(2)) {
      const metric = readMetric(reader, limits);
      if (metric.points.length > 0) own.push(metric);
    } else reader.pass(tag);
  });
  for (const metric of own) metrics.push({ ...metric, scope });
}

function readScope(reader: ProtobufReader): string {
  let name = '';
  reader.fields((tag) => {
    if (tag === lengthTag(1)) name = reader.text();
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

function readMetric(reader: ProtobufReader, limits: Limits): Metric {
  let name = '';
  let kind: MetricKind = 'gauge';
  let data: Data = NO_DATA;
  reader.fields((tag) => {
    const found = KINDS.get(tag);
    if (found !== undefined) {
      kind = found;
      data = readData(reader, found, limits);
    } else if (tag === lengthTag(1)) name = reader.text();
    else reader.pass(tag);
  });
  return { name, scope: '', kind, ...data };
}

type Data = Pick<Metric, 'points' | 'temporality' | 'monotonic'>;

const NO_DATA: Data = { points: [], temporality: 0, monotonic: false };

/** Gauge, Sum, Histogram, ExponentialHistogram and Summary have the same fields, as far as they have them. */
function readData(reader: ProtobufReader, kind: MetricKind, limits: Limits): Data {
  const readPoint = POINT_READERS[kind];
  const points: DataPoint[] = [];
  let temporality = 0;
  let monotonic = false;
  reader.fields((tag) => {
    if (tag === lengthTag(1)) {
      limits.countPoint();
      points.push(readPoint(reader, limits));
    } else if (tag === varintTag(2)) temporality = reader.int32();
    else if (tag === varintTag(3)) monotonic = reader.bool();
    else reader.pass(tag);
  });
  return { points, temporality, monotonic };
}
