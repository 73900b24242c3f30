import { expect } from 'chai';
import fc from 'fast-check';
import { MILLISECOND_CAPACITY, Page } from '../../lib/influxdb/page.js';

/** What a page should do, slow and obvious. */
function firstFree(taken: ReadonlySet<number>, wanted: number, millisecond: number): number {
  for (let step = 0; step < MILLISECOND_CAPACITY; step++) {
    const time = millisecond + ((wanted - millisecond + step) % MILLISECOND_CAPACITY);
    if (!taken.has(time)) return time;
  }
  return -1;
}

describe('A page of taken times', () => {
  it('gives each event the first free nanosecond from where it wants to be, around the end of its millisecond', () => {
    const near = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 999_800, max: 999_999 }));
    const millisecond = fc.constantFrom(0, 1_000_000, 86_399_999 * 1_000_000);
    const step = fc.record({ near, millisecond, count: fc.integer({ min: 1, max: 200 }), taken: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const page = new Page(0, 86_400_000);
        const taken = new Set<number>();
        for (const { near, millisecond, count, taken: noted } of steps) {
          for (let repeat = 0; repeat < count; repeat++) {
            const wanted = millisecond + near;
            if (noted) page.take(wanted);
            else expect(page.place(wanted, millisecond)).to.equal(firstFree(taken, wanted, millisecond));
            taken.add(noted ? wanted : firstFree(taken, wanted, millisecond));
          }
        }
        expect(page.size).to.equal(taken.size);
      }),
    );
  });

  it('holds a million events in a millisecond, and not one more', () => {
    const page = new Page(0, 1);
    const given = new Set<number>();
    for (let event = 0; event < MILLISECOND_CAPACITY; event++) given.add(page.place(123_456, 0));
    expect(given.size).to.equal(MILLISECOND_CAPACITY);
    expect(page.place(5, 0)).to.equal(-1);
    expect(page.place(123_456, 0)).to.equal(-1);
  }).timeout('1m');

  it('knows the ids that it was told, and no others', () => {
    const fingerprint = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).filter((number) => number !== 0n);
    fc.assert(
      fc.property(fc.array(fingerprint), fc.array(fingerprint), (told, others) => {
        const page = new Page(0, 1);
        for (const number of told) page.remember(number);
        for (const number of [...told, ...others]) expect(page.knows(number)).to.equal(told.includes(number));
      }),
    );
  });
});
