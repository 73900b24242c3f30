import fc from 'fast-check';
import type { AnyValueJson, ExportRequest, KeyValue, MetricJson, PointJson } from './encoding.js';

const NOW = 1_700_000_000_000_000_000n;

/** Every code point, but no half of a surrogate pair, which Protocol Buffers cannot hold. */
const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 12 }));
const key = fc.oneof(fc.constantFrom('host.name', 'service.name', 'name', '__proto__', 'le'), text);
const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const natural = fc.oneof(fc.nat(5).map(String), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String));
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

const { value } = fc.letrec<{ value: AnyValueJson }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text.map((stringValue): AnyValueJson => ({ stringValue })),
    fc.boolean().map((boolValue): AnyValueJson => ({ boolValue })),
    integer.map((intValue): AnyValueJson => ({ intValue })),
    finite.map((doubleValue): AnyValueJson => ({ doubleValue })),
    fc.uint8Array().map((bytes): AnyValueJson => ({ bytesValue: Buffer.from(bytes).toString('base64') })),
    fc.constant<AnyValueJson>({}),
    fc.array(tie('value'), { maxLength: 3 }).map((values): AnyValueJson => ({ arrayValue: { values } })),
    fc
      .array(fc.record({ key: text, value: tie('value') }), { maxLength: 3 })
      .map((values): AnyValueJson => ({ kvlistValue: { values } })),
  ),
}));

const attributes: fc.Arbitrary<KeyValue[]> = fc.uniqueArray(fc.record({ key, value }), {
  selector: (one) => one.key,
  maxLength: 4,
});

const time = fc.oneof(
  { weight: 8, arbitrary: fc.nat(5000).map((milliseconds) => String(NOW + BigInt(milliseconds) * 500_000n)) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String) },
);

/** What points of all kinds have. Left out is what proto3 leaves out where it is 0. */
const common = {
  attributes,
  startTimeUnixNano: fc.constantFrom(String(NOW), String(NOW - 1n), '0'),
  timeUnixNano: time,
  flags: fc.constantFrom(0, 0, 0, 1, 2),
};
const totals = { count: natural, sum: finite, min: finite, max: finite };
const buckets = fc.record({
  offset: fc.integer({ min: -40, max: 40 }),
  bucketCounts: fc.array(natural, { maxLength: 5 }),
});

const POINTS: Readonly<Record<'number' | 'histogram' | 'exponentialHistogram' | 'summary', fc.Arbitrary<PointJson>>> = {
  number: fc
    .tuple(
      fc.record(common, { requiredKeys: [] }),
      fc.oneof(
        fc.constantFrom<PointJson>({ asDouble: 'NaN' }, { asDouble: 'Infinity' }, {}),
        fc.record({ asDouble: finite }),
        fc.record({ asInt: integer }),
      ),
    )
    .map(([point, number]) => ({ ...point, ...number })),
  histogram: fc.record(
    {
      ...common,
      ...totals,
      explicitBounds: fc.array(finite, { maxLength: 4 }),
      bucketCounts: fc.array(natural, { maxLength: 5 }),
    },
    { requiredKeys: [] },
  ),
  exponentialHistogram: fc.record(
    {
      ...common,
      ...totals,
      scale: fc.integer({ min: -10, max: 20 }),
      zeroCount: natural,
      positive: buckets,
      negative: buckets,
    },
    { requiredKeys: [] },
  ),
  summary: fc.record(
    {
      ...common,
      count: natural,
      sum: finite,
      quantileValues: fc.array(fc.record({ quantile: fc.double({ min: 0, max: 1, noNaN: true }), value: finite }), {
        maxLength: 3,
      }),
    },
    { requiredKeys: [] },
  ),
};

function metric(
  kind: 'gauge' | 'sum' | 'histogram' | 'exponentialHistogram' | 'summary',
  point: fc.Arbitrary<PointJson>,
): fc.Arbitrary<MetricJson> {
  const data = fc.record({
    aggregationTemporality: fc.constantFrom(0, 1, 2, 2),
    isMonotonic: fc.boolean(),
    dataPoints: fc.array(point, { maxLength: 4 }),
  });
  return fc.tuple(text, data).map(([name, own]) => ({ name, [kind]: own }));
}

/** Metrics of every kind, good and bad, as far as both encodings can say them. */
export const exportRequest: fc.Arbitrary<ExportRequest> = fc.record({
  resourceMetrics: fc.array(
    fc.record({
      resource: fc.record({ attributes }),
      scopeMetrics: fc.array(
        fc.record({
          scope: fc.record({ name: text }),
          metrics: fc.array(
            fc.oneof(
              metric('gauge', POINTS.number),
              metric('sum', POINTS.number),
              metric('histogram', POINTS.histogram),
              metric('exponentialHistogram', POINTS.exponentialHistogram),
              metric('summary', POINTS.summary),
            ),
            { maxLength: 4 },
          ),
        }),
        { maxLength: 2 },
      ),
    }),
    { maxLength: 2 },
  ),
});
