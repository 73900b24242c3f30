import { fixed64Tag, lengthTag, type ProtobufReader, varintTag } from '../protobuf.js';
import type { Attributes } from './attributes.js';
import { type DataPoint, emptyPoint, type ExponentialBuckets, type MetricKind } from './metrics.js';
import type { ParseContext } from './parse-context.js';
import { joined, readRun } from './protobuf-attributes.js';

type PointReader = (reader: ProtobufReader, context: ParseContext) => DataPoint;

/** What reads the data points of each kind (opentelemetry-proto 1.x, metrics/v1/metrics.proto). */
export const POINT_READERS: Readonly<Record<MetricKind, PointReader>> = {
  gauge: readNumber,
  sum: readNumber,
  histogram: readHistogram,
  exponentialHistogram: readExponential,
  summary: readSummary,
};

const [START, TIME] = [fixed64Tag(2), fixed64Tag(3)];

/** A field of times, which mostly are the one that came just before: then there is no need of a bigint more. */
class TimeField {
  private low = 0;
  private high = 0;
  private time = 0n;

  read(reader: ProtobufReader): bigint {
    const low = reader.fixed32();
    const high = reader.fixed32();
    if (low !== this.low || high !== this.high) {
      [this.low, this.high] = [low, high];
      this.time = (BigInt(high) << 32n) | BigInt(low);
    }
    return this.time;
  }
}

const [starts, times] = [new TimeField(), new TimeField()];

function readNumber(reader: ProtobufReader, context: ParseContext): DataPoint {
  const point = emptyPoint();
  const runs: Attributes[] = [];
  reader.fields((tag, end) => {
    if (tag === lengthTag(7)) runs.push(readRun(reader, tag, end, context));
    else if (tag === START) point.start = starts.read(reader);
    else if (tag === TIME) point.time = times.read(reader);
    else if (tag === fixed64Tag(4)) point.value = reader.double();
    else if (tag === fixed64Tag(6)) point.value = reader.int64FixedNumber();
    else if (tag === varintTag(8)) point.flags = reader.uint32();
    else reader.pass(tag);
  });
  point.attributes = joined(runs, context);
  return point;
}

function readHistogram(reader: ProtobufReader, context: ParseContext): DataPoint {
  const point = emptyPoint();
  const runs: Attributes[] = [];
  const bounds: number[] = [];
  const buckets: number[] = [];
  const addBucket = (): void => {
    context.limits.countBucket();
    buckets.push(reader.uint64FixedNumber());
  };
  const addBound = (): void => {
    context.limits.countBucket();
    bounds.push(reader.double());
  };
  reader.fields((tag, end) => {
    if (tag === lengthTag(9)) runs.push(readRun(reader, tag, end, context));
    else if (tag === START) point.start = starts.read(reader);
    else if (tag === TIME) point.time = times.read(reader);
    else if (tag === fixed64Tag(4)) point.count = reader.uint64FixedNumber();
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
  return Object.assign(point, { attributes: joined(runs, context), bounds, buckets });
}

function readExponential(reader: ProtobufReader, context: ParseContext): DataPoint {
  const point = emptyPoint();
  const runs: Attributes[] = [];
  point.scale = 0;
  reader.fields((tag, end) => {
    if (tag === lengthTag(1)) runs.push(readRun(reader, tag, end, context));
    else if (tag === START) point.start = starts.read(reader);
    else if (tag === TIME) point.time = times.read(reader);
    else if (tag === fixed64Tag(4)) point.count = reader.uint64FixedNumber();
    else if (tag === fixed64Tag(5)) point.sum = reader.double();
    else if (tag === varintTag(6)) point.scale = reader.sint32();
    else if (tag === fixed64Tag(7)) point.zeroCount = reader.uint64FixedNumber();
    else if (tag === lengthTag(8)) point.positive = readBuckets(reader, context);
    else if (tag === lengthTag(9)) point.negative = readBuckets(reader, context);
    else if (tag === varintTag(10)) point.flags = reader.uint32();
    else if (tag === fixed64Tag(12)) point.min = reader.double();
    else if (tag === fixed64Tag(13)) point.max = reader.double();
    else reader.pass(tag);
  });
  point.attributes = joined(runs, context);
  return point;
}

function readBuckets(reader: ProtobufReader, context: ParseContext): ExponentialBuckets {
  const counts: number[] = [];
  let offset = 0;
  const add = (): void => {
    context.limits.countBucket();
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

function readSummary(reader: ProtobufReader, context: ParseContext): DataPoint {
  const point = emptyPoint();
  const runs: Attributes[] = [];
  const quantiles: (readonly [number, number])[] = [];
  reader.fields((tag, end) => {
    if (tag === lengthTag(7)) runs.push(readRun(reader, tag, end, context));
    else if (tag === START) point.start = starts.read(reader);
    else if (tag === TIME) point.time = times.read(reader);
    else if (tag === fixed64Tag(4)) point.count = reader.uint64FixedNumber();
    else if (tag === fixed64Tag(5)) point.sum = reader.double();
    else if (tag === lengthTag(6)) {
      context.limits.countBucket();
      quantiles.push(readQuantile(reader));
    } else if (tag === varintTag(8)) point.flags = reader.uint32();
    else reader.pass(tag);
  });
  return Object.assign(point, { attributes: joined(runs, context), quantiles });
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
