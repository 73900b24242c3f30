import { expect } from 'chai';
import fc from 'fast-check';
import { Intervals } from '../../lib/influxdb/intervals.js';

describe('Stretches of unknown time', () => {
  const stretch = fc.tuple(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 1, max: 20 }));

  it('never lose what was added, and cut off what was narrowed away', () => {
    fc.assert(
      fc.property(fc.array(stretch, { maxLength: 30 }), stretch, (added, [start, length]) => {
        const intervals = new Intervals();
        for (const [from, long] of added) intervals.add(from, from + long);
        const within = (time: number): boolean => added.some(([from, long]) => from <= time && time < from + long);
        for (let time = 0; time < 220; time++) {
          if (within(time)) expect(intervals.meets(time, time + 1)).to.equal(true);
        }
        intervals.narrow(start, start + length);
        for (let time = 0; time < 220; time++) {
          const inside = start <= time && time < start + length;
          if (inside && within(time)) expect(intervals.meets(time, time + 1)).to.equal(true);
          if (!inside) expect(intervals.meets(time, time + 1)).to.equal(false);
        }
      }),
    );
  });

  it('are exact as long as they are few', () => {
    const intervals = new Intervals();
    intervals.add(-Infinity, 10);
    intervals.add(20, 30);
    intervals.add(28, 40);
    expect([5, 10, 19, 20, 39, 40].filter((time) => intervals.meets(time, time + 1))).to.deep.equal([5, 20, 39]);
  });
});
