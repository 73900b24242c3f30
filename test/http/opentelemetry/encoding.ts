import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/**
 * Metrics as OTLP writes them in JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding), as far as the
 * tests use them.
 */
export interface ExportRequest {
  readonly resourceMetrics: readonly {
    readonly resource?: { readonly attributes?: readonly KeyValue[] };
    readonly scopeMetrics: readonly {
      readonly scope?: { readonly name: string };
      readonly metrics: readonly MetricJson[];
    }[];
  }[];
}

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValueJson;
}

export interface AnyValueJson {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  /** In base64. */
  readonly bytesValue?: string;
  readonly arrayValue?: { readonly values: readonly AnyValueJson[] };
  readonly kvlistValue?: { readonly values: readonly KeyValue[] };
}

/** The data of a metric of any kind. */
export interface Data {
  readonly aggregationTemporality?: number;
  readonly isMonotonic?: boolean;
  readonly dataPoints: readonly PointJson[];
}

export interface MetricJson {
  readonly name: string;
  readonly description?: string;
  readonly unit?: string;
  readonly gauge?: Data;
  readonly sum?: Data;
  readonly histogram?: Data;
  readonly exponentialHistogram?: Data;
  readonly summary?: Data;
}

export interface PointJson {
  readonly attributes?: readonly KeyValue[];
  readonly startTimeUnixNano?: string;
  readonly timeUnixNano?: string;
  readonly flags?: number;
  readonly asDouble?: number | string;
  readonly asInt?: string;
  readonly count?: string;
  readonly sum?: number;
  readonly min?: number;
  readonly max?: number;
  readonly explicitBounds?: readonly number[];
  readonly bucketCounts?: readonly string[];
  readonly scale?: number;
  readonly zeroCount?: string;
  readonly positive?: { readonly offset: number; readonly bucketCounts: readonly string[] };
  readonly negative?: { readonly offset: number; readonly bucketCounts: readonly string[] };
  readonly quantileValues?: readonly { readonly quantile: number; readonly value: number }[];
}

type Write = (writer: BinaryWriter) => void;

/** The same request in Protocol Buffers, with fields in them that nobody knows. */
export function toProtobuf({ resourceMetrics }: ExportRequest): Uint8Array {
  const writer = new BinaryWriter();
  for (const { resource, scopeMetrics } of resourceMetrics) {
    message(writer, 1, (one) => {
      if (resource)
        message(one, 1, (own) => {
          writeAttributes(own, 1, resource.attributes);
        });
      for (const { scope, metrics } of scopeMetrics) {
        message(one, 2, (own) => {
          if (scope)
            message(own, 1, (inner) =>
              inner.tag(1, WireType.LengthDelimited).string(scope.name).tag(2, WireType.LengthDelimited).string('1.0'),
            );
          for (const metric of metrics)
            message(own, 2, (inner) => {
              writeMetric(inner, metric);
            });
          own.tag(3, WireType.LengthDelimited).string('https://example.org/schema');
        });
      }
      one.tag(1999, WireType.Varint).uint32(7);
    });
  }
  return writer.finish();
}

function message(writer: BinaryWriter, field: number, write: Write): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}

function writeAttributes(writer: BinaryWriter, field: number, attributes: readonly KeyValue[] = []): void {
  for (const attribute of attributes)
    message(writer, field, (one) => {
      writeKeyValue(one, attribute);
    });
}

function writeKeyValue(writer: BinaryWriter, { key, value }: KeyValue): void {
  writer.tag(1, WireType.LengthDelimited).string(key);
  message(writer, 2, (one) => {
    writeValue(one, value);
  });
}

function writeValue(writer: BinaryWriter, value: AnyValueJson): void {
  const { stringValue, boolValue, intValue, doubleValue, bytesValue, arrayValue, kvlistValue } = value;
  if (stringValue !== undefined) writer.tag(1, WireType.LengthDelimited).string(stringValue);
  if (boolValue !== undefined) writer.tag(2, WireType.Varint).bool(boolValue);
  if (intValue !== undefined) writer.tag(3, WireType.Varint).int64(intValue);
  if (doubleValue !== undefined) writer.tag(4, WireType.Bit64).double(doubleValue);
  if (bytesValue !== undefined) writer.tag(7, WireType.LengthDelimited).bytes(Buffer.from(bytesValue, 'base64'));
  if (arrayValue) {
    message(writer, 5, (list) => {
      for (const own of arrayValue.values)
        message(list, 1, (one) => {
          writeValue(one, own);
        });
    });
  }
  if (kvlistValue)
    message(writer, 6, (list) => {
      writeAttributes(list, 1, kvlistValue.values);
    });
}

function writeMetric(writer: BinaryWriter, metric: MetricJson): void {
  writer.tag(1, WireType.LengthDelimited).string(metric.name).tag(3, WireType.LengthDelimited).string('1');
  const { gauge, sum, histogram, exponentialHistogram, summary } = metric;
  const kinds = [
    [5, gauge, writeNumber],
    [7, sum, writeNumber],
    [9, histogram, writeHistogram],
    [10, exponentialHistogram, writeExponential],
    [11, summary, writeSummary],
  ] as const;
  for (const [field, data, writePoint] of kinds) {
    if (data === undefined) continue;
    message(writer, field, (one) => {
      for (const point of data.dataPoints)
        message(one, 1, (own) => {
          writePoint(own, point);
        });
      if (data.aggregationTemporality !== undefined) one.tag(2, WireType.Varint).int32(data.aggregationTemporality);
      if (data.isMonotonic !== undefined) one.tag(3, WireType.Varint).bool(data.isMonotonic);
    });
  }
}

function writeTimes(writer: BinaryWriter, { startTimeUnixNano, timeUnixNano }: PointJson): void {
  if (startTimeUnixNano !== undefined) writer.tag(2, WireType.Bit64).fixed64(startTimeUnixNano);
  if (timeUnixNano !== undefined) writer.tag(3, WireType.Bit64).fixed64(timeUnixNano);
}

function writeNumber(writer: BinaryWriter, point: PointJson): void {
  writeTimes(writer, point);
  if (point.asDouble !== undefined) writer.tag(4, WireType.Bit64).double(Number(point.asDouble));
  message(writer, 5, (exemplar) => exemplar.tag(3, WireType.Bit64).double(1));
  if (point.asInt !== undefined) writer.tag(6, WireType.Bit64).sfixed64(point.asInt);
  writeAttributes(writer, 7, point.attributes);
  if (point.flags !== undefined) writer.tag(8, WireType.Varint).uint32(point.flags);
}

function writeTotals(writer: BinaryWriter, { count, sum }: PointJson): void {
  if (count !== undefined) writer.tag(4, WireType.Bit64).fixed64(count);
  if (sum !== undefined) writer.tag(5, WireType.Bit64).double(sum);
}

function writeHistogram(writer: BinaryWriter, point: PointJson): void {
  writeTimes(writer, point);
  writeTotals(writer, point);
  message(writer, 6, (one) => {
    for (const count of point.bucketCounts ?? []) one.fixed64(count);
  });
  message(writer, 7, (one) => {
    for (const bound of point.explicitBounds ?? []) one.double(bound);
  });
  writeAttributes(writer, 9, point.attributes);
  if (point.flags !== undefined) writer.tag(10, WireType.Varint).uint32(point.flags);
  if (point.min !== undefined) writer.tag(11, WireType.Bit64).double(point.min);
  if (point.max !== undefined) writer.tag(12, WireType.Bit64).double(point.max);
}

function writeExponential(writer: BinaryWriter, point: PointJson): void {
  writeAttributes(writer, 1, point.attributes);
  writeTimes(writer, point);
  writeTotals(writer, point);
  if (point.scale !== undefined) writer.tag(6, WireType.Varint).sint32(point.scale);
  if (point.zeroCount !== undefined) writer.tag(7, WireType.Bit64).fixed64(point.zeroCount);
  for (const [field, buckets] of [
    [8, point.positive],
    [9, point.negative],
  ] as const) {
    if (buckets === undefined) continue;
    message(writer, field, (one) => {
      one.tag(1, WireType.Varint).sint32(buckets.offset);
      message(one, 2, (own) => {
        for (const count of buckets.bucketCounts) own.uint64(count);
      });
    });
  }
  if (point.flags !== undefined) writer.tag(10, WireType.Varint).uint32(point.flags);
  if (point.min !== undefined) writer.tag(12, WireType.Bit64).double(point.min);
  if (point.max !== undefined) writer.tag(13, WireType.Bit64).double(point.max);
}

function writeSummary(writer: BinaryWriter, point: PointJson): void {
  writeTimes(writer, point);
  writeTotals(writer, point);
  for (const { quantile, value } of point.quantileValues ?? []) {
    message(writer, 6, (one) => one.tag(1, WireType.Bit64).double(quantile).tag(2, WireType.Bit64).double(value));
  }
  writeAttributes(writer, 7, point.attributes);
  if (point.flags !== undefined) writer.tag(8, WireType.Varint).uint32(point.flags);
}
