import { expect } from 'chai';
import fc from 'fast-check';
import type { Selection } from '../../lib/aggregation.js';
import type { Store } from '../../lib/store.js';
import { MILLISECOND, toMilliseconds } from '../../lib/time.js';
import { deletionCase, ODD_KEYS, ODD_PIECES } from '../arbitraries.js';
import { ReferenceStore } from '../reference.js';
import { expectRight } from './aggregates.js';
import {
  all,
  CASES,
  collect,
  emptySelections,
  freshNamespace,
  NOON,
  openForSuite,
  point,
  points,
  PROPERTY_TIMEOUT,
  shown,
  type Subject,
  valuesOf,
  write,
  writeBoth,
} from './subject.js';

const MINUTE = 60_000n * MILLISECOND;
const MANY = 10_000;

/** What is deleted is counted and gone, and nothing else is. */
export function deletion(subject: Subject): void {
  describe('deletion', () => {
    const opened = openForSuite(subject);

    it('takes the events from tsMin on and before tsMax, and says how many', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      await write(
        store,
        points(10, (value) => ({ namespace, value, time: NOON + BigInt(value) * MINUTE })),
      );
      const selection = { ...all(namespace), tsMin: NOON + 3n * MINUTE, tsMax: NOON + 6n * MINUTE };
      expect(await store.delete(selection)).to.equal(3);
      expect(await valuesOf(store, namespace)).to.deep.equal([0, 1, 2, 6, 7, 8, 9]);
      expect(await store.delete({ ...all(namespace), tsMax: NOON + MINUTE })).to.equal(1);
      expect(await store.delete({ ...all(namespace), tsMin: NOON + 9n * MINUTE })).to.equal(1);
      expect(await valuesOf(store, namespace)).to.deep.equal([1, 2, 6, 7, 8]);
    });

    it('takes whole milliseconds, whatever finer digits their events came with', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      await write(
        store,
        [-1n, 0n, 1n, 999_999n, 1_000_000n].map((finer, value) => point({ namespace, value, time: NOON + finer })),
      );
      expect(await store.delete({ ...all(namespace), tsMin: NOON, tsMax: NOON + MILLISECOND })).to.equal(3);
      expect(await valuesOf(store, namespace)).to.deep.equal([0, 4]);
    });

    it('takes what has one of the values for every key, and leaves other tags alone', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      const tagged = [
        {},
        { host: 'a' },
        { host: 'a', region: 'x' },
        { host: 'b', region: 'x' },
        { host: 'b', region: 'y' },
        { host: 'c', region: 'x' },
        { region: 'x' },
      ];
      await write(
        store,
        tagged.map((tags, value) => point({ namespace, tags, value })),
      );
      expect(await store.delete({ ...all(namespace), tags: { host: ['a', 'b'], region: ['x'] } })).to.equal(2);
      expect(await valuesOf(store, namespace)).to.deep.equal([0, 1, 4, 5, 6]);
      expect(await store.delete({ ...all(namespace), tags: { host: ['a', 'b', 'unknown'] } })).to.equal(2);
      expect(await valuesOf(store, namespace)).to.deep.equal([0, 5, 6]);
    });

    it('leaves other names and namespaces alone', async () => {
      const [{ store }, namespace, other] = [opened(), freshNamespace(), freshNamespace()];
      await write(store, [
        point({ namespace }),
        point({ namespace, name: 'Cpu' }),
        point({ namespace, name: 'cpu ' }),
        point({ namespace: other }),
      ]);
      expect(await store.delete(all(namespace))).to.equal(1);
      expect((await store.names(namespace)).map(({ name }) => name)).to.deep.equal(['Cpu', 'cpu ']);
      expect(await valuesOf(store, other)).to.deep.equal([1]);
    });

    it('deletes none where nothing is selected', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      const nothing = async (selection: Selection): Promise<void> => {
        expect(await store.delete(selection)).to.equal(0);
      };
      await nothing(all(namespace));
      await write(store, [point({ namespace, tags: { host: 'a' } })]);
      for (const selection of emptySelections(namespace)) await nothing(selection);
      expect(await valuesOf(store, namespace)).to.deep.equal([1]);
    });

    it('deletes once', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      await write(store, [
        point({ namespace }),
        point({ namespace, id: 'a' }),
        point({ namespace, tags: { host: 'a' } }),
      ]);
      expect(await store.delete(all(namespace))).to.equal(3);
      expect(await store.delete(all(namespace))).to.equal(0);
      await opened().reopen();
      expect(await opened().store.delete(all(namespace))).to.equal(0);
    });

    it('is faithful to odd names', async function () {
      this.timeout('2m');
      const [{ store }, namespace] = [opened(), freshNamespace()];
      const odd = ODD_PIECES.flatMap((piece) => [`a${piece}b`, `a${piece}`]).map((text) => ({
        ...{ namespace: text, name: text, tags: { [text]: text } },
      }));
      const words = ODD_KEYS.map((key) => ({ namespace, name: key, tags: { [key]: key } }));
      const sent = [...odd, ...words];
      await write(
        store,
        sent.flatMap((one) => [point(one), point({ ...one, tags: {} })]),
      );
      for (const { namespace, name, tags } of sent) {
        const wanted = Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, [value]]));
        expect(await store.delete({ namespace, name, tags: wanted }), name).to.equal(1);
      }
      for (const { namespace, name } of sent) {
        expect(await collect(store.events({ selection: all(namespace, name) })), name).to.have.length(1);
      }
    });

    it('shows at once and after a restart in aggregates, extents and what there is', async () => {
      const [gone, kept] = [freshNamespace(), freshNamespace()];
      await write(opened().store, [
        point({ namespace: gone, tags: { host: 'a' } }),
        ...points(5, (value) => ({ namespace: kept, value, time: NOON + BigInt(value) * MINUTE, tags: { host: 'a' } })),
        point({ namespace: kept, name: 'memory' }),
      ]);
      const { store } = opened();
      expect(await store.delete(all(gone))).to.equal(1);
      expect(await store.delete({ ...all(kept), tsMax: NOON + MINUTE })).to.equal(1);
      expect(await store.delete({ ...all(kept), tsMin: NOON + 4n * MINUTE })).to.equal(1);
      expect(await store.delete(all(kept, 'memory'))).to.equal(1);
      for (let time = 0; time < 2; time++) {
        const { store } = opened();
        expect(await store.namespaces())
          .to.include(kept)
          .and.not.include(gone);
        expect(await store.names(gone)).to.deep.equal([]);
        expect(await store.extent(all(gone))).to.equal(undefined);
        expect(await summariesOf(store, kept)).to.deep.equal([
          ['cpu', ['host'], toMilliseconds(NOON + MINUTE), toMilliseconds(NOON + 3n * MINUTE)],
        ]);
        expect(await valuesOf(store, kept)).to.deep.equal([1, 2, 3]);
        await opened().reopen();
      }
    });

    it('lets what was deleted be sent again, and count once', async () => {
      const namespace = freshNamespace();
      const old = NOON - 86_400_000n * MILLISECOND;
      const send = async (value: number): Promise<void> => {
        await write(opened().store, [
          point({ namespace, id: 'a', value }),
          point({ namespace, id: 'a', value, time: old }),
          point({ namespace, tags: { host: 'a' }, sample: true, value }),
          point({ namespace, tags: { host: 'a' }, sample: true, value, time: old }),
        ]);
      };
      await send(1);
      expect(await opened().store.delete(all(namespace))).to.equal(4);
      await send(2);
      expect(await valuesOf(opened().store, namespace)).to.deep.equal([2, 2, 2, 2]);
      await send(3);
      expect(await valuesOf(opened().store, namespace)).to.deep.equal([2, 2, 3, 3]);
      await opened().reopen();
      expect(await opened().store.delete({ ...all(namespace), tsMin: NOON })).to.equal(2);
      await opened().reopen();
      await send(4);
      await send(5);
      expect(await valuesOf(opened().store, namespace)).to.deep.equal([2, 4, 5, 5]);
    });

    it('takes new series and old ones between deletions, also after restarts', async () => {
      const namespace = freshNamespace();
      for (let round = 0; round < 3; round++) {
        const hosts = ['a', `b${String(round)}`, `c${String(round)}`];
        await write(
          opened().store,
          hosts.map((host, value) => point({ namespace, tags: { host }, value })),
        );
        expect(await valuesOf(opened().store, namespace)).to.deep.equal([0, 1, 2]);
        expect(await opened().store.delete({ ...all(namespace), tags: { host: hosts.slice(1) } })).to.equal(2);
        await opened().reopen();
        expect(await valuesOf(opened().store, namespace)).to.deep.equal([0]);
        expect(await opened().store.delete(all(namespace))).to.equal(1);
      }
    });

    it('takes ten thousand of one millisecond, each counted', async function () {
      this.timeout('1m');
      const [{ store }, namespace] = [opened(), freshNamespace()];
      await write(
        store,
        points(MANY, (value) => ({ namespace, value })),
      );
      await write(store, [
        point({ namespace, time: NOON - MILLISECOND }),
        point({ namespace, time: NOON + MILLISECOND }),
      ]);
      expect(await store.delete({ ...all(namespace), tsMin: NOON, tsMax: NOON + MILLISECOND })).to.equal(MANY);
      expect(await valuesOf(store, namespace)).to.deep.equal([1, 1]);
    });

    it('is told to who reads meanwhile, or not, but breaks nobody off', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      await write(
        store,
        points(MANY, (index) => ({ namespace, time: NOON + BigInt(index) * MINUTE })),
      );
      let read = 0;
      for await (const _ of store.events({ selection: all(namespace) })) {
        if (++read === 10) expect(await store.delete(all(namespace))).to.equal(MANY);
      }
      expect(read).to.be.within(10, MANY);
      expect(await collect(store.events({ selection: all(namespace) }))).to.deep.equal([]);
    });

    it('leaves what the reference leaves, in any order with writes', async function () {
      this.timeout(PROPERTY_TIMEOUT);
      await fc.assert(
        fc.asyncProperty(deletionCase, async ({ steps, question }) => {
          const namespace = freshNamespace();
          const reference = new ReferenceStore();
          for (const step of steps(namespace)) {
            if ('write' in step) {
              await writeBoth(opened().store, reference, step.write);
            } else {
              expect(await opened().store.delete(step.delete), 'deleted').to.equal(await reference.delete(step.delete));
            }
          }
          await expectRight(opened().store, reference, namespace, question);
          for (const name of ['cpu', 'Cpu']) await expectSameEvents(opened().store, reference, all(namespace, name));
          expect(await summariesOf(opened().store, namespace)).to.deep.equal(await summariesOf(reference, namespace));
        }),
        { numRuns: CASES },
      );
    });
  });
}

async function expectSameEvents(store: Store, reference: Store, selection: Selection): Promise<void> {
  const listed = async (asked: Store): Promise<string[]> =>
    (await collect(asked.events({ selection }))).map(shown).sort();
  expect(await listed(store), 'events').to.deep.equal(await listed(reference));
}

async function summariesOf(store: Store, namespace: string): Promise<unknown[]> {
  return (await store.names(namespace)).map(({ name, tagKeys, first, last }) => [
    name,
    tagKeys.toSorted(),
    toMilliseconds(first),
    toMilliseconds(last),
  ]);
}
