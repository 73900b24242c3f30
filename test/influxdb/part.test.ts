import { expect } from 'chai';
import fc from 'fast-check';
import { identityOfId, type Identity, type Point, type Series, seriesOf } from '../../lib/event.js';
import type { MissingPage } from '../../lib/influxdb/missing.js';
import { Occupancy } from '../../lib/influxdb/occupancy.js';
import { PAGE_LENGTHS, pageOf, SECOND_LEVEL, stretchOf } from '../../lib/influxdb/page-lengths.js';
import { arrivalOf } from '../../lib/influxdb/arrival.js';
import { type Learner, nextPart } from '../../lib/influxdb/part.js';
import { place, placeAgain, THERE } from '../../lib/influxdb/placement.js';
import type { SeriesTimes } from '../../lib/influxdb/series-times.js';
import { MILLISECOND, type Nanoseconds } from '../../lib/time.js';

const START = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
const HOUR = 3_600_000;
const SERIES = ['a', 'b', 'c'].map((name) => seriesOf('Server-1', name));

/** What InfluxDB holds: the identity of the point at each time of each series. */
type Held = Map<string, Map<Nanoseconds, Identity>>;

/** Learns from what is held as `Learning` does from InfluxDB. */
class LearningFrom implements Learner {
  asked = 0;

  constructor(
    private readonly held: Held,
    private readonly mostInPage: number,
  ) {}

  narrow(several: readonly SeriesTimes[]): Promise<void> {
    for (const times of several) {
      const all = [...(this.held.get(times.series.key)?.keys() ?? [])].map((time) => Number(time / MILLISECOND));
      times.narrowed = true;
      times.unknown.narrow(Math.min(...all), Math.max(...all) + 1);
    }
    return Promise.resolve();
  }

  learn(occupancy: Occupancy, { times, milliseconds, level: longest }: MissingPage): Promise<void> {
    this.asked++;
    times.shortenAt(milliseconds);
    for (let level = Math.min(times.level, longest); level >= 0; level--) {
      const page = pageOf(level, milliseconds);
      const [start, end] = [BigInt(page.start) * MILLISECOND, BigInt(page.end) * MILLISECOND];
      for (const [time, identity] of this.held.get(times.series.key) ?? []) {
        if (time < start || time >= end) continue;
        page.take(Number(time - start));
        if (identity.kind === 'id') page.remember(identity.fingerprint);
      }
      if (level > 0 && page.size > this.mostInPage) {
        times.longest = level - 1;
        continue;
      }
      occupancy.learn(times, level, page);
      const longer = (PAGE_LENGTHS[level + 1] ?? Infinity) / (PAGE_LENGTHS[level] ?? 1);
      occupancy.prefer(times, page.size * longer <= this.mostInPage / 2 ? level + 1 : level);
      break;
    }
    return Promise.resolve();
  }
}

/** Writes as `Writer` does, into what is held. */
class Writing {
  readonly held: Held = new Map();
  readonly learning: LearningFrom;
  occupancy: Occupancy;
  /** The last write and where its points went, as far as it got. */
  private last: { readonly points: readonly Point[]; readonly plan: number[] } | undefined;

  constructor(
    private readonly maxBytes: number,
    mostInPage: number,
  ) {
    this.learning = new LearningFrom(this.held, mostInPage);
    this.occupancy = new Occupancy(START, new Map(), maxBytes);
  }

  /** Begins anew and repeats the last write, as after a take-over. */
  takeOver(since: number): void {
    const ahead = new Map<string, number>();
    for (const [key, held] of this.held) {
      const last = Math.max(...[...held.keys()].map((time) => Number(time / MILLISECOND)));
      if (last >= since) ahead.set(key, last + 1);
    }
    this.occupancy = new Occupancy(since, ahead, this.maxBytes);
    if (this.last) this.repeat(this.last.points, this.last.plan);
  }

  /** Writes points where a plan says. */
  repeat(points: readonly Point[], plan: readonly number[]): void {
    const part = points.slice(0, plan.length).map((point) => arrivalOf(this.occupancy, point));
    const { used } = placeAgain(this.occupancy, part, plan);
    part.forEach(({ point: { series, identity }, moment: { milliseconds } }, index) => {
      const nanosecond = plan[index] ?? THERE;
      if (nanosecond !== THERE) this.heldOf(series).set(nanosecondsAt(milliseconds) + BigInt(nanosecond), identity);
    });
    this.occupancy.settle(used);
  }

  /** @param stored - how many points of a part get there before it fails, and the write with it; left out: all, and it does not */
  async write(points: readonly Point[], stored = Infinity): Promise<void> {
    const plan: number[] = [];
    this.last = { points, plan };
    for (let from = 0; from < points.length;) {
      const part = await nextPart(this.learning, this.occupancy, points, from, -Infinity);
      const { nanoseconds, used } = place(this.occupancy, part);
      plan.push(...nanoseconds);
      part.forEach(({ point: { series, identity }, moment: { milliseconds } }, index) => {
        if (index >= stored) return;
        const nanosecond = nanoseconds[index] ?? THERE;
        const time = BigInt(milliseconds) * MILLISECOND + BigInt(nanosecond);
        const held = this.heldOf(series);
        const isHeld = identity.kind === 'id' && [...held.values()].some((one) => isSame(one, identity));
        expect(nanosecond === THERE, 'an event that is there already').to.equal(isHeld);
        if (isHeld) return;
        if (identity.kind !== 'sample') expect(held.has(time), 'a time that is taken').to.equal(false);
        held.set(time, identity);
      });
      if (stored < part.length) for (const { times, moment } of part) this.occupancy.forget(times, moment.milliseconds);
      this.occupancy.settle(used);
      if (stored < part.length) return;
      from += part.length;
    }
  }

  delete(series: Series, tsMin: Nanoseconds, tsMax: Nanoseconds): void {
    const { namespace, name } = series;
    this.occupancy.forgetSelected({ namespace, name, tags: {}, tsMin, tsMax });
    this.last = undefined;
    const held = this.heldOf(series);
    for (const time of held.keys()) if (time >= tsMin && time <= tsMax) held.delete(time);
  }

  /** That no time at which something is would be taken for free. */
  check(): void {
    for (const series of SERIES) {
      const times = this.occupancy.timesOf(series);
      for (const time of this.heldOf(series).keys()) {
        const milliseconds = Number(time / MILLISECOND);
        const isFree = !times.pageAt(milliseconds) && times.isFree(stretchOf(SECOND_LEVEL, milliseconds));
        if (isFree) expect.fail(`${series.name} at ${milliseconds - START} is taken for free`);
      }
    }
  }

  private heldOf({ key }: Series): Map<Nanoseconds, Identity> {
    const held = this.held.get(key) ?? new Map<Nanoseconds, Identity>();
    this.held.set(key, held);
    return held;
  }
}

function isSame(one: Identity, other: Identity): boolean {
  return one.kind === 'id' && other.kind === 'id' && one.fingerprint === other.fingerprint;
}

function nanosecondsAt(milliseconds: number): Nanoseconds {
  return BigInt(milliseconds) * MILLISECOND;
}

function pointAt(series: Series, milliseconds: number, kind: Identity['kind']): Point {
  const time = nanosecondsAt(milliseconds);
  const identity = kind === 'id' ? identityOfId(`${milliseconds}`, time) : { kind };
  return { series, time, value: 1, identity };
}

const series = fc.constantFrom(...SERIES);
/** Few, so that much comes where something is already, and long after it was given up. */
const milliseconds = fc
  .tuple(
    fc.constantFrom(-250 * DAY, -101 * DAY, -100 * DAY, -3 * DAY, -2 * DAY, -HOUR, -2000, 0, DAY),
    fc.constantFrom(0, 0, 0, 1, 2, 999, 1000, 1001, 60_000, HOUR, HOUR + 1, DAY),
  )
  .map(([anchor, offset]) => START + anchor + offset);
const kind = fc.constantFrom('id' as const, 'none' as const, 'sample' as const);

/** One after the other, as a file has them, perhaps many at one time. */
const row = fc
  .tuple(
    series,
    milliseconds,
    fc.constantFrom(0, 1, 700, 60_000, HOUR, DAY / 2),
    fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 200 })),
    kind,
  )
  .map(([one, first, step, count, its]) =>
    Array.from({ length: count }, (_, index) => pointAt(one, Math.min(first + index * step, START + 2 * DAY), its)),
  );
const scattered = fc.array(
  fc.tuple(series, milliseconds, kind).map(([one, at, its]) => pointAt(one, at, its)),
  { maxLength: 100 },
);
const several = fc.tuple(row, row, scattered).map((all) => all.flat());
const step = fc.oneof(
  fc.record({
    points: fc.oneof(row, scattered, several),
    stored: fc.oneof({ weight: 5, arbitrary: fc.constant(Infinity) }, fc.nat(50)),
  }),
  fc.record({ points: fc.oneof(row, scattered, several), stored: fc.constant(Infinity) }),
  fc.record({ deleted: series, from: milliseconds, length: fc.constantFrom(0, 1000, DAY, 100 * DAY) }),
  fc.record({ takenOver: fc.constantFrom(0, 1000, HOUR) }),
);

describe('A part of a write', () => {
  it('puts no event where something is, and none twice, however little there is room for', async function () {
    this.timeout(120_000);
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 25 }),
      fc.constantFrom(1500, 3000, 10_000, 50_000, 1e7),
      fc.constantFrom(5, 20, 100_000),
      async (steps, maxBytes, mostInPage) => {
        const writing = new Writing(maxBytes, mostInPage);
        for (const one of steps) {
          if ('points' in one) await writing.write(one.points, one.stored);
          else if ('takenOver' in one) writing.takeOver(START + one.takenOver);
          else writing.delete(one.deleted, nanosecondsAt(one.from), nanosecondsAt(one.from + one.length));
          writing.check();
        }
      },
    );
    await fc.assert(property, { numRuns: Number(process.env.TRACKING_CASES ?? 500) });
  });

  it('asks for nothing while old events come in the order of time, also where long pages have no room', async () => {
    const writing = new Writing(200_000, 100_000);
    for (let day = 0; day < 90; day++) {
      for (let hour = 0; hour < 24; hour += 3) {
        const first = START - (100 - day) * DAY + hour * HOUR;
        await writing.write(
          SERIES.flatMap((one) => Array.from({ length: 30 }, (_, index) => pointAt(one, first + index * 1000, 'none'))),
        );
      }
    }
    expect(writing.learning.asked).to.be.below(20);
    expect(writing.occupancy.memory.bytes).to.be.at.most(200_000);
    const [one] = SERIES;
    expect(writing.held.get(one?.key ?? '')?.size).to.equal(90 * 8 * 30);
  });

  it('puts no event onto an old sample that was written while pages of a millisecond were in use', async () => {
    const writing = new Writing(40_000, 20);
    const [one, other] = SERIES as [Series, Series];
    const dense = START - 200 * DAY;
    const sampled = dense + 30_000;
    const many = (its: Series, at: number, count: number): Point[] =>
      Array.from({ length: count }, () => pointAt(its, at, 'none'));
    await writing.write(many(one, dense, 600));
    await writing.write(many(one, dense + 1, 4000));
    for (let count = 0; count < 40; count++) await writing.write([pointAt(one, dense + count * 100, 'none')]);
    await writing.write([pointAt(one, sampled, 'sample')]);
    await writing.write(many(other, dense, 4000));
    await writing.write([pointAt(one, sampled, 'none')]);
    expect(writing.held.get(one.key)?.has(nanosecondsAt(sampled) + 1n)).to.equal(true);
  });

  it('puts no event onto one that was repeated where less than its second was unknown', async () => {
    const writing = new Writing(1e6, 100_000);
    const [one] = SERIES as [Series];
    await writing.write([pointAt(one, START + 500, 'none')]);
    writing.takeOver(START);
    writing.repeat([pointAt(one, START + 700, 'none')], [0]);
    writing.delete(one, nanosecondsAt(START + 500), nanosecondsAt(START + 501));
    await writing.write([pointAt(one, START - HOUR, 'none')]);
    await writing.write([pointAt(one, START + 700, 'none')]);
    expect(writing.held.get(one.key)?.size).to.equal(3);
  });
});
