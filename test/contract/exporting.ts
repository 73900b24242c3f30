import { expect } from 'chai';
import fc from 'fast-check';
import type { Point } from '../../lib/event.js';
import type { PointsQuery, Store } from '../../lib/store.js';
import { MILLISECOND, type Nanoseconds, toMilliseconds } from '../../lib/time.js';
import { inNamespace, storeCase } from '../arbitraries.js';
import { ReferenceStore } from '../reference.js';
import {
  CASES,
  collect,
  freshNamespace,
  NOON,
  openForSuite,
  point,
  points,
  PROPERTY_TIMEOUT,
  type Subject,
  write,
  writeBoth,
} from './subject.js';

const SECOND = 1000n * MILLISECOND;

/** Everything comes out with all that makes it what it is, and goes into another store as it came. */
export function exporting(subject: Subject): void {
  describe('exported points', () => {
    const opened = openForSuite(subject);

    it('are all there once, with their series, values, times and identities', async function () {
      this.timeout(PROPERTY_TIMEOUT);
      await fc.assert(
        fc.asyncProperty(storeCase, async ({ writes }) => {
          const namespace = freshNamespace();
          const reference = new ReferenceStore();
          for (const written of inNamespace(namespace, writes)) await writeBoth(opened().store, reference, written);
          const query = { includes: (one: string) => one === namespace };
          const exported = await exportedFrom(opened().store, query);
          expectSame(exported, await exportedFrom(reference, query));
        }),
        { numRuns: CASES },
      );
    });

    it('of samples keep every nanosecond, and others their millisecond', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      const times = [0n, 1n, 999_999n, 1_000_000n].map((finer) => NOON + finer);
      await write(
        store,
        times.flatMap((time) => [
          point({ namespace, time, sample: true }),
          point({ namespace, name: 'event', time }),
          point({ namespace, name: 'id', time, id: 'a' }),
        ]),
      );
      const timesOf = (exported: readonly Point[], name: string): Nanoseconds[] =>
        exported.filter(({ series }) => series.name === name).map(({ time }) => time);
      const exported = await exportedFrom(store, { includes: (one) => one === namespace });
      expect(timesOf(exported, 'cpu')).to.have.members(times);
      for (const name of ['event', 'id']) {
        expect(timesOf(exported, name).map(toMilliseconds)).to.have.members(times.map(toMilliseconds));
      }
    });

    it('are those that the query is about', async () => {
      const [{ store }, namespace, other] = [opened(), freshNamespace(), freshNamespace()];
      await write(store, [
        ...points(10, (value) => ({ namespace, value, time: NOON + BigInt(value) * SECOND })),
        ...points(10, (value) => ({
          namespace,
          name: 'memory',
          value: 10 + value,
          time: NOON + BigInt(value) * SECOND,
        })),
        ...points(10, (value) => ({ namespace: other, value: 20 + value, time: NOON + BigInt(value) * SECOND })),
      ]);
      const valuesOf = async (query: PointsQuery): Promise<number[]> =>
        (await exportedFrom(store, query)).map(({ value }) => value).sort((one, another) => one - another);
      const [from, to] = [NOON + 3n * SECOND, NOON + 5n * SECOND];
      const own = (one: string): boolean => one === namespace || one === other;
      expect(await valuesOf({ includes: own })).to.deep.equal(Array.from({ length: 30 }, (_, index) => index));
      expect(await valuesOf({ includes: own, from, to })).to.deep.equal([3, 4, 13, 14, 23, 24]);
      expect(await valuesOf({ includes: (one, name) => own(one) && name === 'memory', from })).to.deep.equal([
        13, 14, 15, 16, 17, 18, 19,
      ]);
      expect(await valuesOf({ includes: (one) => one === other, to })).to.deep.equal([20, 21, 22, 23, 24]);
      expect(await valuesOf({ includes: () => false })).to.deep.equal([]);
      expect(await valuesOf({ includes: own, from: to, to: from })).to.deep.equal([]);
    });

    it('are everything where the query names nothing', async () => {
      const { store } = opened();
      const namespaces = new Set((await exportedFrom(store, {})).map(({ series }) => series.namespace));
      expect([...namespaces].sort()).to.deep.equal(await store.namespaces());
    });

    it('are the same when they were written into another store, where ids count once', async function () {
      this.timeout('2m');
      const open = await subject.create();
      const copy = await open();
      try {
        const namespace = freshNamespace();
        const sketches = points(3000, (index) => ({
          namespace,
          name: ['event', 'id', 'sample'][index % 3] ?? '',
          tags: index % 2 === 0 ? {} : { host: `host ${String(index % 5)}` },
          // Some share a millisecond, and some have finer digits.
          time: NOON + BigInt(index >> 5) * MILLISECOND + BigInt(index % 7) * 1001n,
          value: index / 8,
          ...(index % 3 === 1 ? { id: String(index) } : {}),
          sample: index % 3 === 2,
        }));
        await write(opened().store, sketches);
        const query = { includes: (one: string) => one === namespace };
        const exported = await exportedFrom(opened().store, query);
        for (let start = 0; start < exported.length; start += 700) {
          await write(copy, exported.slice(start, start + 700));
        }
        expect(told(await exportedFrom(copy, query))).to.deep.equal(told(exported));
        const known = exported.filter(({ identity }) => identity.kind !== 'none');
        expect(known.length).to.be.at.least(1000);
        await write(copy, known);
        expect(told(await exportedFrom(copy, query))).to.deep.equal(told(exported));
      } finally {
        await copy.close();
      }
    });

    it('match the event whose client sends it again', async () => {
      const [namespace, open] = [freshNamespace(), await subject.create()];
      const sent = points(20, (index) => ({ namespace, time: NOON + BigInt(index), id: 'a', value: index }));
      const copy = await open();
      try {
        await write(opened().store, sent);
        const query = { includes: (one: string) => one === namespace };
        await write(copy, await exportedFrom(opened().store, query));
        await write(copy, sent);
        expect(
          (await exportedFrom(copy, query)).map(({ value }) => value).sort((one, other) => one - other),
        ).to.deep.equal(sent.map(({ value }) => value));
      } finally {
        await copy.close();
      }
    });

    it('come some thousand at a time, and may be left at any time', async function () {
      this.timeout('2m');
      const [{ store }, namespace] = [opened(), freshNamespace()];
      const count = 100_000;
      for (let start = 0; start < count; start += 10_000) {
        await write(
          store,
          points(10_000, (index) => ({ namespace, value: start + index, time: NOON + BigInt(start + index) * SECOND })),
        );
      }
      const query = { includes: (one: string) => one === namespace };
      const values = new Set<number>();
      let read = 0;
      for await (const some of store.points(query)) {
        read += some.length;
        for (const { value } of some) values.add(value);
      }
      expect([read, values.size]).to.deep.equal([count, count]);
      for (let time = 0; time < 5; time++) for await (const _ of store.points(query)) break;
      await write(store, [point({ namespace, time: NOON - SECOND })]);
      expect(await exportedFrom(store, query)).to.have.length(count + 1);
    });
  });
}

async function exportedFrom(store: Store, query: PointsQuery): Promise<Point[]> {
  return (await collect(store.points(query))).flat();
}

/** A store may move what is no sample within its millisecond, and may not know a sample from an event without an id. */
function expectSame(exported: readonly Point[], expected: readonly Point[]): void {
  const samples = exported.some(({ identity }) => identity.kind === 'sample');
  const comparable = ({ series, time, value, identity }: Point): string => {
    const kind = identity.kind === 'sample' && !samples ? 'none' : identity.kind;
    const fingerprint = identity.kind === 'id' ? identity.fingerprint : 0n;
    return JSON.stringify([series.key, toMilliseconds(time), value, kind, String(fingerprint)]);
  };
  expect(exported.map(comparable).sort()).to.deep.equal(expected.map(comparable).sort());
  for (const { identity } of exported) if (identity.kind === 'id') expect(identity.placed).to.equal(true);
}

function told(exported: readonly Point[]): string[] {
  return exported
    .map(({ series, time, value, identity }) =>
      JSON.stringify([
        ...[series.key, String(time), value, identity.kind],
        identity.kind === 'id' ? String(identity.fingerprint) : '',
      ]),
    )
    .sort();
}
