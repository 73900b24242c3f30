import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

export interface SentSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly (readonly [milliseconds: number, value: number | bigint])[];
  /** How many native histograms it has. */
  readonly histograms?: number;
}

export const STALE = 0x7ff0000000000002n;

function writeSample(writer: BinaryWriter, field: number, [milliseconds, value]: SentSeries['samples'][number]): void {
  writer.tag(field, WireType.LengthDelimited).fork().tag(1, WireType.Bit64);
  if (typeof value === 'bigint') writer.fixed64(value);
  else writer.double(value);
  writer.tag(2, WireType.Varint).int64(milliseconds).join();
}

/** A `prometheus.WriteRequest` with metadata and exemplars that nobody needs. */
export function version1(all: readonly SentSeries[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const { labels, samples, histograms = 0 } of all) {
    writer.tag(1, WireType.LengthDelimited).fork();
    for (const [name, value] of labels)
      writer
        .tag(1, WireType.LengthDelimited)
        .fork()
        .tag(1, WireType.LengthDelimited)
        .string(name)
        .tag(2, WireType.LengthDelimited)
        .string(value)
        .join();
    for (const sample of samples) writeSample(writer, 2, sample);
    writer.tag(3, WireType.LengthDelimited).fork().tag(2, WireType.Bit64).double(1).join();
    for (let index = 0; index < histograms; index++)
      writer.tag(4, WireType.LengthDelimited).fork().tag(1, WireType.Varint).uint64(5).join();
    writer.join();
  }
  writer
    .tag(3, WireType.LengthDelimited)
    .fork()
    .tag(1, WireType.Varint)
    .int32(1)
    .tag(2, WireType.LengthDelimited)
    .string('up')
    .join();
  return writer.finish();
}

/** An `io.prometheus.write.v2.Request`. */
export function version2(all: readonly SentSeries[]): Uint8Array {
  const symbols = [...new Set(['', ...all.flatMap(({ labels }) => labels.flat())])];
  const places = new Map(symbols.map((symbol, place) => [symbol, place]));
  const writer = new BinaryWriter();
  for (const symbol of symbols) writer.tag(4, WireType.LengthDelimited).string(symbol);
  for (const { labels, samples, histograms = 0 } of all) {
    writer.tag(5, WireType.LengthDelimited).fork().tag(1, WireType.LengthDelimited).fork();
    for (const text of labels.flat()) writer.uint32(places.get(text) ?? 0);
    writer.join();
    for (const sample of samples) writeSample(writer, 2, sample);
    for (let index = 0; index < histograms; index++)
      writer.tag(3, WireType.LengthDelimited).fork().tag(1, WireType.Varint).uint64(5).join();
    writer
      .tag(5, WireType.LengthDelimited)
      .fork()
      .tag(1, WireType.Varint)
      .int32(1)
      .join()
      .tag(6, WireType.Varint)
      .int64(1)
      .join();
  }
  return writer.finish();
}
