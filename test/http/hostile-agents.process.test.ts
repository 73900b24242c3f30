import { expect } from 'chai';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { compressSync } from 'snappy';
import { residentOf } from '../faults/memory.js';
import { ServiceProcess } from '../servers/service.js';
import { type ExportRequest, type MetricJson, type PointJson, toProtobuf } from './opentelemetry/encoding.js';
import { type SentSeries, version1, version2 } from './remote-write/encoding.js';

const CASES = Number(process.env.TRACKING_CASES ?? 200);
const MEBIBYTES = 50;

/** A body that is certainly broken, or one that may happen to be right still. */
interface Hostile {
  readonly body: Uint8Array;
  readonly broken: boolean;
}

const broken = (body: Uint8Array): Hostile => ({ body, broken: true });
const odd = (body: Uint8Array): Hostile => ({ body, broken: false });

const TIME = '1700000000000000000';
const distribution: PointJson = { startTimeUnixNano: '1', timeUnixNano: TIME, count: '3', sum: 4.5, min: 1, max: 2 };
const attributes = [{ key: 'a', value: { kvlistValue: { values: [{ key: 'b', value: { intValue: '7' } }] } } }];
const METRICS: readonly MetricJson[] = [
  { name: 'g', gauge: { dataPoints: [{ attributes, timeUnixNano: TIME, asDouble: 1 }] } },
  {
    name: 's',
    sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [{ timeUnixNano: TIME, asInt: '1' }] },
  },
  {
    name: 'h',
    histogram: {
      aggregationTemporality: 1,
      dataPoints: [{ ...distribution, explicitBounds: [1], bucketCounts: ['1', '2'] }],
    },
  },
  {
    name: 'e',
    exponentialHistogram: {
      aggregationTemporality: 1,
      dataPoints: [{ ...distribution, scale: 3, positive: { offset: -4, bucketCounts: ['1', '2'] } }],
    },
  },
  { name: 'q', summary: { dataPoints: [{ ...distribution, quantileValues: [{ quantile: 0.5, value: 1 }] }] } },
];
const EXPORT: ExportRequest = {
  resourceMetrics: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'hostile' } }] },
      scopeMetrics: [{ metrics: METRICS }],
    },
  ],
};
const SERIES: readonly SentSeries[] = [
  {
    labels: [
      ['__name__', 'up'],
      ['job', 'hostile'],
      ['instance', 'a'],
    ],
    samples: [
      [1000, 1],
      [2000, 2],
    ],
  },
];

/** What breaks Protocol Buffers: cut off, bits turned, lengths that lie, groups, numbers without end, nesting. */
function brokenProtobuf(message: Uint8Array, outermost: number): fc.Arbitrary<Hostile> {
  const tag = (outermost << 3) | 2;
  const nested = (depth: number): Uint8Array => {
    let bytes = Buffer.alloc(0);
    for (let level = 0; level < depth; level++)
      bytes = Buffer.concat([Buffer.from([0x2a]), lengthOf(bytes.length), bytes]);
    return bytes;
  };
  return fc.oneof(
    fc.integer({ min: 1, max: message.length - 1 }).map((end) => cutIn(message, end)),
    fc.tuple(fc.nat(message.length - 1), fc.integer({ min: 1, max: 255 })).map(([place, bits]) => {
      const bytes = Uint8Array.from(message);
      bytes[place] = (bytes[place] ?? 0) ^ bits;
      return odd(bytes);
    }),
    fc.tuple(fc.nat(message.length), fc.uint8Array({ minLength: 1, maxLength: 20 })).map(([place, put]) => {
      return odd(Buffer.concat([message.subarray(0, place), put, message.subarray(place)]));
    }),
    fc.uint8Array({ maxLength: 300 }).map(odd),
    fc
      .constantFrom(2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 24)
      .map((length) => broken(Buffer.concat([Buffer.from([tag]), lengthOf(length), message]))),
    fc.integer({ min: 1, max: 100_000 }).map((count) => broken(Buffer.alloc(count, 0x0b))),
    fc
      .integer({ min: 11, max: 1000 })
      .map((count) => broken(Buffer.concat([Buffer.from([tag]), Buffer.alloc(count, 0xff)]))),
    fc.integer({ min: 1, max: 2000 }).map((depth) => odd(nested(depth))),
    fc
      .constantFrom(0x06, 0x07, 0x00, 0x02)
      .map((wrong) => broken(Buffer.concat([message, Buffer.from([wrong, 0x00])]))),
  );
}

/** The first field of the outermost message holds everything, so that nothing before its end is whole. */
function cutIn(message: Uint8Array, end: number): Hostile {
  const first =
    (message[1] ?? 0) < 0x80 ? 2 + (message[1] ?? 0) : 3 + ((message[1] ?? 0) & 0x7f) + (message[2] ?? 0) * 128;
  return end < first ? broken(message.subarray(0, end)) : odd(message.subarray(0, end));
}

function lengthOf(length: number): Buffer {
  const bytes: number[] = [];
  let left = length;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}

const JSON_TEXT = JSON.stringify(EXPORT);
const brokenJson = fc.oneof(
  fc.integer({ min: 1, max: JSON_TEXT.length - 1 }).map((end) => broken(Buffer.from(JSON_TEXT.slice(0, end)))),
  fc
    .tuple(fc.nat(JSON_TEXT.length), fc.string())
    .map(([at, put]) => odd(Buffer.from(JSON_TEXT.slice(0, at) + put + JSON_TEXT.slice(at)))),
  fc
    .constantFrom(
      ...[
        '"resourceMetrics":1',
        '"resourceMetrics":[1]',
        '"resourceMetrics":[[]]',
        '"resourceMetrics":{}',
        '"resourceMetrics":[{"scopeMetrics":"x"}]',
      ],
      ...['"resourceMetrics":[{"resource":[]}]', '"resourceMetrics":[{"resource":{"attributes":[{"key":1}]}}]'],
    )
    .map((inner) => broken(Buffer.from(`{${inner}}`))),
  fc
    .constantFrom(
      '"asDouble":{}',
      '"asDouble":"x"',
      '"timeUnixNano":"x"',
      '"timeUnixNano":-1',
      '"asInt":true',
      '"attributes":7',
      '"timeUnixNano":1.5',
      '"flags":"x"',
    )
    .map((inner) =>
      broken(
        Buffer.from(
          `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{${inner}}]}}]}]}]}`,
        ),
      ),
    ),
  fc.integer({ min: 17, max: 20_000 }).map((depth) => {
    const value = `${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}`;
    return broken(Buffer.from(`{"resourceMetrics":[{"resource":{"attributes":[{"key":"a","value":${value}}]}}]}`));
  }),
  fc
    .tuple(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom('[', '{"a":'))
    .map(([depth, open]) => broken(Buffer.from(open.repeat(depth)))),
);

/** The body as a client sends it, sometimes with what compresses it broken, or as a bomb. */
function compressed(
  name: 'gzip' | 'snappy',
  hostile: fc.Arbitrary<Hostile>,
): fc.Arbitrary<Hostile & { encoding: string }> {
  const compress = name === 'gzip' ? gzipSync : compressSync;
  const bomb = compress(Buffer.alloc(32 * 2 ** 20));
  return fc.oneof(
    { weight: 6, arbitrary: hostile.map(({ body, broken }) => ({ body: compress(body), broken, encoding: name })) },
    { weight: 2, arbitrary: hostile.map(({ body, broken }) => ({ body, broken, encoding: 'identity' })) },
    {
      weight: 1,
      arbitrary: hostile.map(({ body }) => ({ body: compress(body).subarray(0, -1), broken: true, encoding: name })),
    },
    { weight: 1, arbitrary: fc.constant({ body: bomb, broken: true, encoding: name }) },
  );
}

const FORMATS = {
  'OTLP in Protocol Buffers': {
    path: '/v1/metrics',
    type: 'application/x-protobuf',
    right: toProtobuf(EXPORT),
    bodies: compressed('gzip', brokenProtobuf(toProtobuf(EXPORT), 1)),
  },
  'OTLP in JSON': {
    path: '/v1/metrics',
    type: 'application/json',
    right: Buffer.from(JSON_TEXT),
    bodies: compressed('gzip', brokenJson),
  },
  'Prometheus remote write 1.0': {
    path: '/api/v1/write',
    type: 'application/x-protobuf',
    right: version1(SERIES),
    bodies: compressed('snappy', brokenProtobuf(version1(SERIES), 1)),
  },
  'Prometheus remote write 2.0': {
    path: '/api/v1/write',
    type: 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
    right: version2(SERIES),
    bodies: compressed('snappy', brokenProtobuf(version2(SERIES), 5)),
  },
} as const;

describe('hostile bodies', () => {
  let service: ServiceProcess;
  let token: string;
  before(async () => {
    service = await ServiceProcess.start();
    token = await service.token();
  });
  after(() => service.stop());

  async function post(path: string, type: string, body: Uint8Array, encoding: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type, 'content-encoding': encoding };
    const response = await fetch(service.url + path, { method: 'POST', headers, body: new Uint8Array(body) });
    await response.arrayBuffer();
    return response.status;
  }

  for (const [name, { path, type, right, bodies }] of Object.entries(FORMATS)) {
    it(`in ${name} are refused, and cost no memory (${CASES} of them)`, async function () {
      this.timeout(120_000 + CASES * 100);
      for (let round = 0; round < 20; round++) {
        const statuses = await Promise.all(Array.from({ length: 50 }, () => post(path, type, right, 'identity')));
        expect(Math.max(...statuses)).to.be.below(300);
      }
      const before = residentOf(service.pid);
      let most = before;
      await fc.assert(
        fc.asyncProperty(bodies, async ({ body, broken, encoding }) => {
          const status = await post(path, type, body, encoding);
          if (broken) expect(status).to.be.within(400, 499);
          else expect(status).to.be.below(500);
          most = Math.max(most, residentOf(service.pid));
        }),
        { numRuns: CASES },
      );
      expect(most - before).to.be.below(MEBIBYTES);
      expect(service.log).not.to.include('"level":"error"');
    });
  }
});
