import { expect } from 'chai';
import fc from 'fast-check';
import { TrackingError } from '../lib/errors.js';
import { type Point, seriesOf } from '../lib/event.js';
import { batchOf, pointsOf } from '../lib/point-batch.js';
import { Tally } from '../lib/tally.js';
import { EqualPoints, identifiedRows, persistent, sourceOf, transfer } from '../lib/transfer.js';
import { storedPoint } from './archives/stored-point.js';
import { ReferenceStore } from './reference.js';

const SERIES = seriesOf('Server-1', 'cpu', { host: 'a' });

function event(time: bigint, value: number): Point {
  return { series: SERIES, time, value, identity: { kind: 'none' } };
}

async function* inTurn<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  for (const item of items) yield await Promise.resolve(item);
}

async function collect(batches: AsyncIterable<readonly Point[]>): Promise<Point[]> {
  const all: Point[] = [];
  for await (const points of batches) all.push(...points);
  return all;
}

async function finish(steps: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of steps);
}

describe('a transfer', () => {
  it('writes all points in order, one write at a time', async () => {
    const points = Array.from({ length: 25_001 }, (_, index) => event(BigInt(index), index));
    let writing = 0;
    const written: number[] = [];
    const sink = {
      async write(batch: readonly Point[]) {
        expect(writing++).to.equal(0);
        await new Promise((resolve) => setTimeout(resolve, 1));
        written.push(...batch.map(({ value }) => value));
        writing--;
        return [];
      },
    };
    await finish(transfer(inTurn([points.slice(0, 3), points.slice(3)]), sink));
    expect(written).to.deep.equal(points.map(({ value }) => value));
  });

  it('yields a batch only when it is durable, and fails as the sink does', async () => {
    const points = Array.from({ length: 30_000 }, (_, index) => event(BigInt(index), index));
    let writes = 0;
    const sink = {
      write: () => (++writes === 2 ? Promise.reject(new TrackingError('unavailable', 'full')) : Promise.resolve([])),
    };
    let done = 0;
    const failure = await (async () => {
      for await (const step of transfer(inTurn([points]), sink)) done += step.points.length;
    })().catch((error: unknown) => error);
    expect((failure as Error).message).to.equal('full');
    expect([done, writes]).to.deep.equal([10_000, 2]);
  });

  it('writes again what could not be taken now, and gives up on what never can', async () => {
    const outcomes = [
      new TrackingError('unavailable', 'busy', { retryAfter: 5 }),
      new TrackingError('too-many-requests', 'busy', { retryAfter: 1 }),
    ];
    const pauses: number[] = [];
    const sink = persistent(
      {
        write: () => {
          const failure = outcomes.shift();
          return failure === undefined ? Promise.resolve([]) : Promise.reject(failure);
        },
      },
      { pause: (milliseconds) => Promise.resolve(pauses.push(milliseconds)) },
    );
    expect(await sink.write([])).to.deep.equal([]);
    expect(pauses).to.deep.equal([5000, 1000]);
    outcomes.push(new TrackingError('unavailable', 'gone'));
    expect(await sink.write([]).catch((error: unknown) => (error as Error).message)).to.equal('gone');
  });

  it('that waits for a store says why, once, and ends when it is interrupted', async () => {
    const interrupted = new AbortController();
    const reasons: string[] = [];
    let tries = 0;
    const sink = persistent(
      {
        write: () => {
          if (++tries === 3) interrupted.abort();
          const message = 'The store is away. Nothing of this request was stored.';
          return Promise.reject(new TrackingError('unavailable', message, { retryAfter: 0 }));
        },
      },
      { signal: interrupted.signal, onWait: (reason) => reasons.push(reason) },
    );
    const ended = await sink.write([]).catch((error: unknown) => (error as Error).message);
    expect(ended).to.equal('Interrupted. The store is away.');
    expect(reasons).to.deep.equal(['The store is away.']);
    expect(tries).to.equal(3);
  });

  it('of a filter gives what its patterns and its range hold', async () => {
    const store = new ReferenceStore();
    const at = (namespace: string, name: string, time: bigint): Point => ({
      ...event(time, 1),
      series: seriesOf(namespace, name),
    });
    await store.write([
      at('Server-1', 'cpu', 1n),
      at('Server-2', 'cpu', 2n),
      at('Server-2', 'mem', 3n),
      at('a', 'cpu', 4n),
    ]);
    const source = sourceOf(store);
    const filter = { namespaces: ['Server-*'], names: ['c*'], from: 1n, to: 3n };
    expect((await collect(source.points(filter))).map(({ time }) => time)).to.deep.equal([1n, 2n]);
    expect(await source.extent(filter)).to.deep.equal({ first: 1n, last: 2n });
    expect(await source.extent({ namespaces: ['nobody'], names: [] })).to.equal(undefined);
  });

  it('of rows without an identity adds nothing when it is done again, wherever it goes on', () =>
    fc.assert(
      fc.asyncProperty(fc.array(storedPoint, { maxLength: 30 }), fc.nat(30), async (rows, done) => {
        const store = new ReferenceStore();
        const read = (from: number): AsyncIterable<readonly Point[]> =>
          identifiedRows(inTurn([rows.slice(0, 7), rows.slice(7)]), { content: 'file', done: from, rule: 'own' });
        await finish(transfer(read(0), store));
        const before = await collect(store.points({}));
        await finish(transfer(read(Math.min(done, rows.length)), store));
        await finish(transfer(read(0), store));
        expect(await collect(store.points({}))).to.deep.equal(before);
        expect(before.filter(({ identity }) => identity.kind === 'none')).to.deep.equal([]);
      }),
    ));

  it('of equal points without an identity keeps each, and copied again adds nothing', async () => {
    const store = new ReferenceStore();
    const points = [event(1n, 5), event(1n, 5), event(1n, 6), event(1n, 5), event(2n, 5)];
    for (let round = 0; round < 2; round++) {
      await finish(transfer(new EqualPoints().identify(inTurn([points.slice(0, 2), points.slice(2)]), 'own'), store));
      expect((await collect(store.points({}))).map(({ value }) => value)).to.have.members([5, 5, 6, 5, 5]);
    }
  });

  it('gives samples their place where that is asked', async () => {
    const rows = identifiedRows(inTurn([[event(1n, 5)]]), { content: 'file', done: 0, rule: 'timestamp' });
    expect((await collect(rows)).map(({ identity }) => identity)).to.deep.equal([{ kind: 'sample' }]);
  });

  it('keeps every point exactly on its way between processes', () => {
    fc.assert(
      fc.property(fc.array(storedPoint), (points) => {
        const sent = JSON.parse(JSON.stringify(batchOf(points))) as ReturnType<typeof batchOf>;
        expect(pointsOf(sent)).to.deep.equal(points);
      }),
    );
  });
});

describe('a tally', () => {
  const totals = (points: readonly Point[]): unknown => {
    const tally = new Tally();
    tally.add(points);
    const { sum: _, ...rest } = tally.totals;
    return rest;
  };

  it('is the same in any order, and another one where a point differs in anything', () => {
    fc.assert(
      fc.property(fc.array(storedPoint, { minLength: 2 }), storedPoint, (points, other) => {
        expect(totals(points.toReversed())).to.deep.equal(totals(points));
        const [first] = points;
        if (first === undefined) return;
        for (const changed of [
          { ...first, time: first.time + 1n },
          { ...first, value: other.value },
          { ...first, series: other.series },
          { ...first, identity: other.identity },
        ]) {
          const same = JSON.stringify(batchOf([changed])) === JSON.stringify(batchOf([first]));
          if (!same) expect(totals([changed, ...points.slice(1)])).not.to.deep.equal(totals(points));
        }
      }),
    );
  });

  it('adds up values without losing the small ones', () => {
    const tally = new Tally();
    tally.add([event(1n, 1e16), event(2n, 1), event(3n, 1), event(4n, -1e16)]);
    expect(tally.totals).to.include({ points: 4, sum: 2 });
  });
});
