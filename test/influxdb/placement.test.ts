import { expect } from 'chai';
import { identityOfId, type Identity, seriesOf } from '../../lib/event.js';
import { type Arrival, arrivalOf } from '../../lib/influxdb/arrival.js';
import { Occupancy } from '../../lib/influxdb/occupancy.js';
import { FULL, place, placeAgain, THERE } from '../../lib/influxdb/placement.js';
import { MILLISECOND } from '../../lib/time.js';

const START = Date.UTC(2026, 0, 1);
const series = seriesOf('Server-1', 'cpu');
const time = BigInt(START + 5) * MILLISECOND + 77n;

describe('The place of an event within its millisecond', () => {
  let occupancy: Occupancy;

  beforeEach(() => {
    occupancy = new Occupancy(START, new Map(), 1e9);
  });

  function arrivals(...identities: readonly Identity[]): Arrival[] {
    return identities.map((identity) => arrivalOf(occupancy, { series, time, value: 1, identity }));
  }

  function placed(...identities: readonly Identity[]): readonly number[] {
    return place(occupancy, arrivals(...identities)).nanoseconds;
  }

  const none: Identity = { kind: 'none' };
  const id = identityOfId('a', time);

  it('is its own where that is free, else the next one', () => {
    expect(placed(none, none, none)).to.deep.equal([77, 78, 79]);
  });

  it('of one with an id hangs on the id alone, and is found again', () => {
    const [first = 0] = placed(id);
    expect(placed(id, none)).to.deep.equal([THERE, 77]);
    expect(first).to.not.equal(77);
    occupancy = new Occupancy(START, new Map(), 1e9);
    expect(placed(none, id)).to.deep.equal([77, first]);
  });

  it('of one with an id that comes out of a store is where it was there, if that is free', () => {
    const out: Identity = { kind: 'id', fingerprint: 42n, placed: true };
    expect(placed(out)).to.deep.equal([77]);
    expect(placed({ ...out, fingerprint: 43n })).to.deep.equal([78]);
    expect(placed(out)).to.deep.equal([THERE]);
  });

  it('of a sample is its own, whatever is there', () => {
    expect(placed(none, { kind: 'sample' }, { kind: 'sample' }, none)).to.deep.equal([77, 77, 77, 78]);
  });

  it('has to be asked for where samples came, which open no page for each second', () => {
    expect(placed({ kind: 'sample' }, { kind: 'sample' })).to.deep.equal([77, 77]);
    expect(occupancy.memory.pages).to.equal(0);
    const times = occupancy.timesOf(series);
    expect(occupancy.pageAt(times, START + 5)).to.equal(undefined);
    expect(occupancy.pageAt(times, START)).to.equal(undefined);
    expect(occupancy.pageAt(times, START + 1000)).not.to.equal(undefined);
  });

  it('is none where a million are there', () => {
    const crowd = Array.from({ length: 1_000_000 }, () => placed(none)[0]);
    expect(new Set(crowd).size).to.equal(1_000_000);
    expect(placed(none, id, { kind: 'sample' })).to.deep.equal([FULL, FULL, 77]);
  });

  it('that was recorded is kept, and taken for those that come after', () => {
    const recorded = [500, THERE, FULL, 77];
    const again = placeAgain(occupancy, arrivals(id, id, none, none), recorded);
    expect(again.nanoseconds).to.deep.equal(recorded);
    expect(placed(id, none)).to.deep.equal([THERE, 78]);
  });
});
