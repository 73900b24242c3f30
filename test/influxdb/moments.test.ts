import { expect } from 'chai';
import fc from 'fast-check';
import { momentOf, readTime } from '../../lib/influxdb/moments.js';
import { END_OF_TIME, MILLISECOND, MIN_TIME, toMilliseconds } from '../../lib/time.js';

/** As Flux prints it: without the zeros at the end of a fraction. */
function printed(time: bigint): string {
  const seconds = new Date(Math.floor(toMilliseconds(time) / 1000) * 1000).toISOString().slice(0, 19);
  const rest = ((time % (1000n * MILLISECOND)) + 1000n * MILLISECOND) % (1000n * MILLISECOND);
  const fraction = String(rest).padStart(9, '0').replace(/0+$/, '');
  return fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}

describe('Times in answers of Flux', () => {
  it('are read to the nanosecond', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: MIN_TIME, max: END_OF_TIME - 1n }), (time) => {
        expect(readTime(printed(time))).to.equal(time);
      }),
    );
    for (const text of ['1969-12-31T23:59:59.999999999Z', '1970-01-01T00:00:00Z', '2026-11-20T00:00:00.1Z']) {
      expect(printed(readTime(text))).to.equal(text);
    }
  });

  it('are taken apart into milliseconds and nanoseconds within them, also before 1970', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: MIN_TIME, max: END_OF_TIME - 1n })), (times) => {
        for (const time of times.flatMap((one) => [one, one, one + 1n])) {
          const { milliseconds, nanoseconds } = momentOf(time);
          expect(BigInt(milliseconds) * MILLISECOND + BigInt(nanoseconds)).to.equal(time);
          expect(nanoseconds).to.be.within(0, 999_999);
        }
      }),
    );
  });
});
