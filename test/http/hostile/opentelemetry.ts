import fc from 'fast-check';
import { type ExportRequest, type MetricJson, type PointJson, toProtobuf } from '../opentelemetry/encoding.js';
import { brokenProtobuf, largeProtobuf } from './protobuf.js';
import { broken, type HostileBody, type HostileFormat, manyTimes, mostly, odd, sent } from './request.js';

const PATH = '/v1/metrics';
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

function exportOf(metrics: readonly MetricJson[]): ExportRequest {
  return {
    resourceMetrics: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'hostile' } }] },
        scopeMetrics: [{ metrics }],
      },
    ],
  };
}

const EXPORT = exportOf(METRICS);
const JSON_TEXT = JSON.stringify(EXPORT);

/** What a Collector sends at once. */
const ORDINARY = exportOf(
  Array.from({ length: 200 }, (_, metric) => ({
    name: `metric.${metric}`,
    gauge: {
      dataPoints: Array.from({ length: 10 }, (_, host) => ({
        attributes: [{ key: 'host', value: { stringValue: `web-${host}` } }],
        timeUnixNano: TIME,
        asDouble: host,
      })),
    },
  })),
);

const inMetrics = (inner: string): string =>
  `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[${inner}]}}]}]}]}`;

const brokenJson = fc.oneof(
  fc.integer({ min: 1, max: JSON_TEXT.length - 1 }).map((end) => broken(JSON_TEXT.slice(0, end))),
  fc
    .tuple(fc.nat(JSON_TEXT.length), fc.string())
    .map(([at, put]) => odd(JSON_TEXT.slice(0, at) + put + JSON_TEXT.slice(at))),
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
    .map((inner) => broken(`{${inner}}`)),
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
    .map((inner) => broken(inMetrics(`{${inner}}`))),
  fc.integer({ min: 17, max: 20_000 }).map((depth) => {
    const value = `${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}`;
    return broken(`{"resourceMetrics":[{"resource":{"attributes":[{"key":"a","value":${value}}]}}]}`);
  }),
  fc
    .tuple(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom('[', '{"a":'))
    .map(([depth, open]) => broken(open.repeat(depth))),
);

/** Each list of the message, and a list that nobody knows, as long as it may be. */
const largeJson: fc.Arbitrary<HostileBody> = manyTimes(
  ['{},', '[],', '1,', '"",', '"1",', '{"key":"a"},', '{"timeUnixNano":1,"asInt":1},', '"a":1,', 'x'],
  [
    '{"resourceMetrics":[',
    '{"resourceMetrics":[{"scopeMetrics":[',
    '{"resourceMetrics":[{"resource":{"attributes":[',
    inMetrics('').slice(0, inMetrics('').indexOf('[]') + 1),
    inMetrics('{"explicitBounds":[]}').slice(0, inMetrics('').indexOf('[]') + 20),
    '{"unknown":[',
    '{',
    '{"unknown":"',
  ],
).map(broken);

/** Lists of the message, and texts in it, by the numbers of their fields. */
const PATHS = [
  ...[[1], [1, 1], [1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 2, 1], [1, 1, 1, 2, 5, 1], [1, 1, 1, 2, 6, 1], [1, 1, 1, 2, 7]],
  ...[
    [1, 2],
    [1, 2, 1, 1],
    [1, 2, 2],
    [1, 2, 2, 1],
    [1, 2, 2, 5, 1],
    [1, 2, 2, 5, 1, 7],
    [1, 2, 2, 7, 1, 7, 1],
  ],
  ...[[1, 2, 2, 9, 1], [1, 2, 2, 9, 1, 6], [1, 2, 2, 9, 1, 7], [1, 2, 2, 10, 1, 8, 2], [1, 2, 2, 11, 1, 6], [15]],
];

const headers = { 'content-type': 'application/x-protobuf' };
const jsonHeaders = { 'content-type': 'application/json' };

export const openTelemetryFormats: readonly HostileFormat[] = [
  {
    name: 'OTLP in Protocol Buffers',
    ordinary: [EXPORT, ORDINARY].map((request) => ({ path: PATH, headers, body: toProtobuf(request) })),
    hostile: sent(mostly(brokenProtobuf(toProtobuf(EXPORT), 1), largeProtobuf(PATHS)), 'gzip', { path: PATH, headers }),
  },
  {
    name: 'OTLP in JSON',
    ordinary: [EXPORT, ORDINARY].map((request) => ({
      path: PATH,
      headers: jsonHeaders,
      body: Buffer.from(JSON.stringify(request)),
    })),
    hostile: sent(mostly(brokenJson, largeJson), 'gzip', { path: PATH, headers: jsonHeaders }),
  },
];
