import { expect } from 'chai';
import { seriesOf } from '../../lib/event.js';
import { type Arrival, arrivalOf } from '../../lib/influxdb/arrival.js';
import { lanesOf } from '../../lib/influxdb/lanes.js';
import { Occupancy } from '../../lib/influxdb/occupancy.js';

describe('Lanes of a write', () => {
  const occupancy = new Occupancy(0, new Map(), 1e9);

  function arrivals(length: number, series: number): Arrival[] {
    return Array.from({ length }, (_, index) =>
      arrivalOf(occupancy, {
        series: seriesOf('Server-1', 'cpu', { host: String(index % series) }),
        time: BigInt(index),
        value: index,
        identity: { kind: 'sample' },
      }),
    );
  }

  it('hold each line that has a place once, and all of one series in their order', () => {
    const part = arrivals(30_000, 70);
    const nanoseconds = part.map((_, index) => (index % 9 === 0 ? -1 : index));
    const lanes = lanesOf(part, nanoseconds);
    const placed = [...part.keys()].filter((index) => index % 9 !== 0);
    expect(lanes.flat().sort((one, other) => one - other)).to.deep.equal(placed);
    const laneOf = new Map<string, number>();
    for (const [number, lane] of lanes.entries()) {
      expect(lane).to.deep.equal([...lane].sort((one, other) => one - other));
      for (const index of lane) {
        const key = part[index]?.point.series.key ?? '';
        expect(laneOf.get(key) ?? number).to.equal(number);
        laneOf.set(key, number);
      }
    }
  });

  it('are about equal where there are many series, and one where there is one, or little', () => {
    const lengths = (part: readonly Arrival[]): number[] =>
      lanesOf(
        part,
        part.map(() => 0),
      ).map(({ length }) => length);
    expect(lengths(arrivals(12_000, 300))).to.deep.equal([4000, 4000, 4000]);
    expect(lengths(arrivals(12_000, 1))).to.deep.equal([12_000]);
    expect(lengths(arrivals(900, 300))).to.deep.equal([900]);
    expect(lanesOf(arrivals(2, 1), [-1, -2])).to.deep.equal([]);
    expect(lanesOf([], [])).to.deep.equal([]);
  });
});
