import fc from 'fast-check';
import { type Identity, type Point, seriesOf } from '../../lib/event.js';
import { END_OF_TIME, MIN_TIME } from '../../lib/time.js';
import { tagKey, text, value } from '../arbitraries.js';

/** A point as it may lie in a store: any name, any nanosecond, any double, any identity. */
export const storedPoint: fc.Arbitrary<Point> = fc.record({
  series: fc
    .tuple(text, text, fc.dictionary(tagKey, text, { maxKeys: 3 }))
    .filter(([, , tags]) => !Object.keys(tags).includes('__proto__'))
    .map(([namespace, event, tags]) => seriesOf(namespace, event, { ...tags })),
  time: fc.oneof(
    fc.bigInt({ min: MIN_TIME, max: END_OF_TIME - 1n }),
    fc.bigInt({ min: -2_000_000n, max: 2_000_000n }),
    fc.bigInt({ min: 1_600_000_000_000_000_000n, max: 1_600_000_000_002_000_000n }),
  ),
  value: fc
    .oneof(value, fc.double({ noNaN: true, noDefaultInfinity: true }))
    .map((number) => (number === 0 ? 0 : number)),
  identity: fc.oneof(
    fc.constant<Identity>({ kind: 'none' }),
    fc.constant<Identity>({ kind: 'sample' }),
    fc
      .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
      .filter((fingerprint) => fingerprint !== 0n)
      .map((fingerprint): Identity => ({ kind: 'id', fingerprint, placed: true })),
  ),
});
