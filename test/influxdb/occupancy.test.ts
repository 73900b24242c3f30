import { expect } from 'chai';
import { seriesOf } from '../../lib/event.js';
import { DAY_LEVEL, LONGEST_LEVEL, Occupancy, pageOf } from '../../lib/influxdb/occupancy.js';
import type { Page } from '../../lib/influxdb/page.js';
import { MILLISECOND } from '../../lib/time.js';

const START = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
const series = seriesOf('Server-1', 'cpu');

/** A page just before the start. */
function pageWith(level: number, times: readonly number[]): Page {
  const page = pageOf(level, START - 500);
  for (const time of times) page.take(time);
  return page;
}

describe('What is known of taken times', () => {
  it('is all since the start, without asking, and nothing before', () => {
    const occupancy = new Occupancy(START, new Map(), 1e6);
    const times = occupancy.timesOf(series);
    expect(occupancy.pageAt(times, START)).to.not.equal(undefined);
    expect(occupancy.pageAt(times, START + 365 * DAY)).to.not.equal(undefined);
    expect(occupancy.pageAt(times, START - 1)).to.equal(undefined);
  });

  it('begins after the last point where a series has some ahead of the start', () => {
    const occupancy = new Occupancy(START, new Map([[series.key, START + DAY]]), 1e6);
    const times = occupancy.timesOf(series);
    expect(occupancy.pageAt(times, START + DAY - 1)).to.equal(undefined);
    expect(occupancy.pageAt(times, START + DAY)).to.not.equal(undefined);
  });

  it('grows by pages, and the longer takes the place of the shorter', () => {
    const occupancy = new Occupancy(START, new Map(), 1e6);
    const times = occupancy.timesOf(series);
    occupancy.learn(times, 1, pageWith(1, [1]));
    expect(occupancy.pageAt(times, START - 500)?.size).to.equal(1);
    expect(occupancy.pageAt(times, START - 1500)).to.equal(undefined);
    occupancy.learn(times, DAY_LEVEL, pageWith(DAY_LEVEL, [1, 2]));
    expect(occupancy.pageAt(times, START - 500)?.size).to.equal(2);
    expect(occupancy.pageAt(times, START - 1500)?.size).to.equal(2);
    expect(occupancy.memory.pages).to.equal(1);
  });

  it('stays within its memory, and what was forgotten is unknown, also of live time', () => {
    const occupancy = new Occupancy(START, new Map(), 100_000);
    const times = occupancy.timesOf(series);
    for (let second = 0; second < 1000; second++) {
      const page = occupancy.pageAt(times, START + second * 1000);
      page?.take(5);
      occupancy.settle(new Set<Page>(page ? [page] : []));
      expect(occupancy.memory.bytes).to.be.at.most(100_000);
    }
    expect(occupancy.pageAt(times, START)).to.equal(undefined);
    expect(occupancy.memory.pages).to.be.above(20);
    expect(occupancy.pageAt(times, START + 999_000)?.size).to.equal(1);
    expect(occupancy.pageAt(times, START + 1_000_000)?.size).to.equal(0);
  });

  it('makes room for what is learned by what is not needed, and is full where all is needed until the write is over', () => {
    const occupancy = new Occupancy(START, new Map(), 100_000);
    const crowded = (name: string): [ReturnType<typeof occupancy.timesOf>, Page] => {
      const times = occupancy.timesOf(seriesOf('Server-1', name));
      const page = pageWith(
        DAY_LEVEL,
        Array.from({ length: 2000 }, (_, index) => index),
      );
      occupancy.learn(times, DAY_LEVEL, page);
      return [times, page];
    };
    const [unneeded, needed] = [crowded('a'), crowded('b')];
    occupancy.settle(new Set([unneeded[1], needed[1]]));
    occupancy.need(needed[0], START - 500);
    const others = ['c', 'd'].map(crowded);
    expect(unneeded[0].pageAt(START - 500)).to.equal(undefined);
    for (const [times, page] of [needed, ...others]) expect(times.pageAt(START - 500)).to.equal(page);
    expect(occupancy.isFull).to.equal(true);
    occupancy.settle(new Set());
    expect(occupancy.isFull).to.equal(false);
    expect(needed[0].pageAt(START - 500)).to.equal(undefined);
    expect(occupancy.memory.pages).to.equal(2);
  });

  it('is asked for in shorter pages where a long one was given up for want of room and is needed again', () => {
    const occupancy = new Occupancy(START, new Map(), 100_000);
    const times = occupancy.timesOf(series);
    const full = pageWith(
      LONGEST_LEVEL,
      Array.from({ length: 10_000 }, (_, index) => index),
    );
    const before = times.level;
    occupancy.learn(times, LONGEST_LEVEL, full);
    occupancy.prefer(times, LONGEST_LEVEL);
    occupancy.settle(new Set([full]));
    expect(occupancy.memory.pages).to.equal(0);
    times.shortenAt(full.end);
    expect(times.level).to.equal(LONGEST_LEVEL);
    times.shortenAt(full.start);
    expect(times.level).to.equal(before);
    occupancy.prefer(times, LONGEST_LEVEL);
    expect(times.level).to.equal(DAY_LEVEL);
  });

  it('is given up for a time whose write failed', () => {
    const occupancy = new Occupancy(START, new Map(), 1e6);
    const times = occupancy.timesOf(series);
    occupancy.pageAt(times, START);
    occupancy.forget(times, START);
    expect(occupancy.pageAt(times, START)).to.equal(undefined);
    expect(occupancy.pageAt(times, START + 1000)).to.not.equal(undefined);
  });

  it('is given up where points were deleted, and only there', () => {
    const occupancy = new Occupancy(START, new Map(), 1e6);
    const at = (milliseconds: number): bigint => BigInt(milliseconds) * MILLISECOND;
    const tagged = seriesOf('Server-1', 'cpu', { host: 'a' });
    const [plain, others] = [occupancy.timesOf(series), occupancy.timesOf(tagged)];
    for (const times of [plain, others]) {
      for (const second of [0, 1, 2]) occupancy.pageAt(times, START + second * 1000);
    }
    const selection = { namespace: 'Server-1', name: 'cpu', tsMin: at(START + 1000), tsMax: at(START + 2000) };
    occupancy.forgetSelected({ ...selection, tags: { host: ['a', 'b'] } });
    expect([0, 1, 2].map((second) => occupancy.pageAt(others, START + second * 1000) !== undefined)).to.deep.equal([
      ...[true, false, true],
    ]);
    expect(occupancy.pageAt(plain, START + 1000)).to.not.equal(undefined);
    occupancy.forgetSelected({ ...selection, tags: {} });
    expect(occupancy.pageAt(plain, START + 1000)).to.equal(undefined);
    expect(occupancy.memory.pages).to.equal(4);
  });
});
