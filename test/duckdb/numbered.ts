import { hash } from 'node:crypto';
import { identityOfId, type Point, seriesOf } from '../../lib/event.js';
import { MILLISECOND } from '../../lib/time.js';

/** Points that carry their number as id, one a millisecond; their values do not compress. */
export function numberedPoints(first: number, count: number): Point[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index;
    const time = BigInt(number) * MILLISECOND;
    const value = hash('sha256', String(number), 'buffer').readUInt32BE() + number / 2 ** 20;
    return { series: seriesOf('Numbers', 'n'), time, value, identity: identityOfId(String(number), time) };
  });
}
