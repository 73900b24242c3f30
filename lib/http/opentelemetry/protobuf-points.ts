import { fixed64Tag, lengthTag, type ProtobufReader, varintTag } from '../protobuf.js';
import type { Limits } from './limits.js';
import { type DataPoint, emptyPoint, type ExponentialBuckets, type MetricKind } from './metrics.js';
import { readAttribute } from './protobuf-attributes.js';

type PointReader = (reader: ProtobufReader, limits: Limits) => DataPoint;

/** What reads the data points of each kind (opentelemetry-proto 1.x, metrics/v1/metrics.proto). */
export const POINT_READERS: Readonly<Record<MetricKind, PointReader>> = {
  gauge: readNumber,
  sum: readNumber,
  histogram: readHistogram,
  exponentialHistogram: readExponential,
  summary: readSummary,
};

const [START, TIME] = [fixed64Tag(2), fixed64Tag(3)];

function readNumber(reader: ProtobufReader, limits: Limits): DataPoint {
  const point = emptyPoint();
  const attributes: (readonly [string, string])[] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(7)) readAttribute(reader, attributes, limits);
    else if (tag === START) point.start = reader.uint64Fixed();
    else if (tag === TIME) point.time = reader.uint64Fixed();
    else if (tag === fixed64Tag(4)) point.value = reader.double();
    else if (tag === fixed64Tag(6)) point.value = Number(reader.int64Fixed());
    else if (tag === varintTag(8)) point.flags = reader.uint32();
    else reader.pass(tag);
  });
  point.attributes = attributes;
  return point;
}

function readHistogram(reader: ProtobufReader, limits: Limits): DataPoint {
  const point = emptyPoint();
  const attributes: (readonly [string, string])[] = [];
  const bounds: number[] = [];
  const buckets: number[] = [];
  const addBucket = (): void => {
    limits.countBucket();
    buckets.push(Number(reader.uint64Fixed()));
  };
  const addBound = (): void => {
    limits.countBucket();
    bounds.push(reader.double());
  };
  reader.fields((tag) => {
    if (tag === lengthTag(9)) readAttribute(reader, attributes, limits);
    else if (tag === START) point.start = reader.uint64Fixed();
    else if (tag === TIME) point.time = reader.uint64Fixed();
    else if (tag === fixed64Tag(4)) point.count = Number(reader.uint64Fixed());
    else if (tag === fixed64Tag(5)) point.sum = reader.double();
    else if (tag === lengthTag(6)) reader.packed(addBucket);
    else if (tag === fixed64Tag(6)) addBucket();
    else if (tag === lengthTag(7)) reader.packed(addBound);
    else if (tag === fixed64Tag(7)) addBound();
    else if (tag === varintTag(10)) point.flags = reader.uint32();
    else if (tag === fixed64Tag(11)) point.min = reader.double();
    else if (tag === fixed64Tag(12)) point.max = reader.double();
    else reader.pass(tag);
  });
  return Object.assign(point, { attributes, bounds, buckets });
}

function readExponential(reader: ProtobufReader, limits: Limits): DataPoint {
  const point = emptyPoint();
  const attributes: (readonly [string, string])[] = [];
  point.scale = 0;
  reader.fields((tag) => {
    if (tag === lengthTag(1)) readAttribute(reader, attributes, limits);
    else if (tag === START) point.start = reader.uint64Fixed();
    else if (tag === TIME) point.time = reader.uint64Fixed();
    else if (tag === fixed64Tag(4)) point.count = Number(reader.uint64Fixed());
    else if (tag === fixed64Tag(5)) point.sum = reader.double();
    else if (tag === varintTag(6)) point.scale = reader.sint32();
    else if (tag === fixed64Tag(7)) point.zeroCount = Number(reader.uint64Fixed());
    else if (tag === lengthTag(8)) point.positive = readBuckets(reader, limits);
    else if (tag === lengthTag(9)) point.negative = readBuckets(reader, limits);
    else if (tag === varintTag(10)) point.flags = reader.uint32();
    else if (tag === fixed64Tag(12)) point.min = reader.double();
    else if (tag === fixed64Tag(13)) point.max = reader.double();
    else reader.pass(tag);
  });
  point.attributes = attributes;
  return point;
}

function readBuckets(reader: ProtobufReader, limits: Limits): ExponentialBuckets {
  const counts: number[] = [];
  let offset = 0;
  const add = (): void => {
    limits.countBucket();
    counts.push(Number(reader.uint64()));
  };
  reader.fields((tag) => {
    if (tag === varintTag(1)) offset = reader.sint32();
    else if (tag === lengthTag(2)) reader.packed(add);
    else if (tag === varintTag(2)) add();
    else reader.pass(tag);
  });
  return { offset, counts };
}

function readSummary(reader: ProtobufReader, limits: Limits): DataPoint {
  const point = emptyPoint();
  const attributes: (readonly [string, string])[] = [];
  const quantiles: (readonly [number, number])[] = [];
  reader.fields((tag) => {
    if (tag === lengthTag(7)) readAttribute(reader, attributes, limits);
    else if (tag === START) point.start = reader.uint64Fixed();
    else if (tag === TIME) point.time = reader.uint64Fixed();
    else if (tag === fixed64Tag(4)) point.count = Number(reader.uint64Fixed());
    else if (tag === fixed64Tag(5)) point.sum = reader.double();
    else if (tag === lengthTag(6)) {
      limits.countBucket();
      quantiles.push(readQuantile(reader));
    } else if (tag === varintTag(8)) point.flags = reader.uint32();
    else reader.pass(tag);
  });
  return Object.assign(point, { attributes, quantiles });
}

function readQuantile(reader: ProtobufReader): readonly [number, number] {
  let quantile = 0;
  let value = 0;
  reader.fields((tag) => {
    if (tag === fixed64Tag(1)) quantile = reader.double();
    else if (tag === fixed64Tag(2)) value = reader.double();
    else reader.pass(tag);
  });
  return [quantile, value];
}
