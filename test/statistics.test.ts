import { expect } from 'chai';
import type { Aggregation } from '../lib/aggregation.js';
import { aggregateOf, mistakeIn } from './statistics.js';

function measurements(values: readonly number[]): { time: bigint; value: number }[] {
  return values.map((value, index) => ({ time: BigInt(index), value }));
}

describe('The judge of aggregates', () => {
  // From numpy 2: np.percentile, np.median, np.std(ddof=1), and from Python's math.fsum.
  const KNOWN: readonly (readonly [readonly number[], Aggregation, number | null])[] = [
    [[4, 1, 3, 2], 'median', 2.5],
    [[4, 1, 3, 2], 'p25', 1.75],
    [[4, 1, 3, 2], 'p99.9', 3.997],
    [[10, 20, 40], 'p90', 36],
    [[7], 'p1', 7],
    [[2, 4, 4, 4, 5, 5, 7, 9], 'stddev', 2.138089935299395],
    [[7], 'stddev', null],
    [[1e100, 1, -1e100], 'sum', 1],
    [[0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], 'sum', 1],
    [[1e16, 1, 1, -1e16], 'avg', 0.5],
    [[3, -5, 4], 'min', -5],
    [[3, -5, 4], 'max', 4],
    [[3, -5, 4], 'first', 3],
    [[3, -5, 4], 'last', 4],
    [[3, -5, 4], 'count', 3],
  ];

  it('agrees with numpy', () => {
    for (const [values, aggregation, expected] of KNOWN) {
      const answer = aggregateOf(aggregation, measurements(values));
      const words = `${aggregation} of ${values.join(', ')}`;
      if (expected === null || answer === null) expect(answer, words).to.equal(expected);
      else expect(answer, words).to.be.closeTo(expected, 1e-12);
    }
  });

  it('finds an answer wrong that is off by more than rounding', () => {
    const values = measurements([1, 2, 3, 4.5]);
    for (const aggregation of ['avg', 'sum', 'median', 'stddev', 'p90', 'min', 'max', 'count'] as const) {
      const right = aggregateOf(aggregation, values) ?? NaN;
      expect(mistakeIn(right, aggregation, values)).to.equal(undefined);
      for (const wrong of [right * (1 + 1e-7), right + 1, NaN, null]) {
        expect(mistakeIn(wrong, aggregation, values), `${aggregation} ${String(wrong)}`).to.be.a('string');
      }
    }
  });

  it('takes any first and last value of one millisecond, and no other', () => {
    const values = [0n, 999_999n, 1_000_000n].map((time, value) => ({ time, value }));
    for (const value of [0, 1]) expect(mistakeIn(value, 'first', values)).to.equal(undefined);
    expect(mistakeIn(2, 'first', values)).to.be.a('string');
    expect(mistakeIn(1, 'last', values)).to.be.a('string');
  });
});
