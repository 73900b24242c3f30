import { expect } from 'chai';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Point } from '../../../lib/event.js';
import { openFront } from '../front.js';
import { exportRequest } from './arbitraries.js';
import { type ExportRequest, toProtobuf } from './encoding.js';

const CASES = Number(process.env.TRACKING_CASES ?? 100);

interface Encoding {
  readonly type: string;
  readonly gzip: boolean;
  readonly encode: (request: ExportRequest) => Buffer;
}

/** One and the same request, written in as many ways. */
const ENCODINGS: Readonly<Record<string, Encoding>> = {
  'Protocol Buffers': {
    type: 'application/x-protobuf',
    gzip: false,
    encode: (request) => Buffer.from(toProtobuf(request)),
  },
  'Protocol Buffers in gzip': {
    type: 'application/x-protobuf',
    gzip: true,
    encode: (request) => gzipSync(toProtobuf(request)),
  },
  JSON: { type: 'application/json', gzip: false, encode: (request) => Buffer.from(JSON.stringify(request)) },
  'JSON in gzip': { type: 'application/json', gzip: true, encode: (request) => gzipSync(JSON.stringify(request)) },
};

describe('Metrics in each encoding', () => {
  /** What is stored of a request that is sent twice, so that what was read of it once is known. */
  async function storedOf(request: ExportRequest, { type, gzip, encode }: Encoding): Promise<string[]> {
    const front = await openFront();
    try {
      for (let time = 0; time < 2; time++) {
        const response = await front.fetch('/v1/metrics', {
          method: 'POST',
          headers: { 'content-type': type, ...(gzip && { 'content-encoding': 'gzip' }) },
          body: new Uint8Array(encode(request)),
        });
        expect(response.status, await response.text()).to.equal(200);
      }
      return front.points.map(textOf).sort();
    } finally {
      await front.close();
    }
  }

  it('are the same points', async function () {
    this.timeout(30_000 + CASES * 1000);
    await fc.assert(
      fc.asyncProperty(exportRequest, async (request) => {
        const [first = [], ...others] = await Promise.all(
          Object.values(ENCODINGS).map((encoding) => storedOf(request, encoding)),
        );
        for (const other of others) expect(other).to.deep.equal(first);
      }),
      { numRuns: CASES },
    );
  });

  it('have the attributes that they have, also where other fields stand between', async () => {
    const attribute = (writer: BinaryWriter, key: string): BinaryWriter =>
      writer
        .tag(7, WireType.LengthDelimited)
        .fork()
        .tag(1, WireType.LengthDelimited)
        .string(key)
        .tag(2, WireType.LengthDelimited)
        .fork()
        .tag(1, WireType.LengthDelimited)
        .string('here')
        .join()
        .join();
    const point = new BinaryWriter();
    attribute(attribute(point, 'a'), 'b').tag(3, WireType.Bit64).fixed64('1700000000000000000');
    attribute(point, 'c').tag(4, WireType.Bit64).double(1);
    attribute(point, 'd');
    const nested = [1, 2, 2, 5, 1].reduceRight(
      (inner, field) => new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(inner).finish(),
      point.finish(),
    );
    const front = await openFront();
    const response = await front.fetch('/v1/metrics', {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(nested),
    });
    const [stored] = front.points;
    await front.close();
    expect(response.status).to.equal(200);
    expect(stored?.series.tags).to.deep.equal({ a: 'here', b: 'here', c: 'here', d: 'here' });
  });
});

function textOf({ series, time, value }: Point): string {
  return `${JSON.stringify(series.key)} ${time}=${value}`;
}
