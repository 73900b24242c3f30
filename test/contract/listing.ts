import { expect } from 'chai';
import fc from 'fast-check';
import type { Selection } from '../../lib/aggregation.js';
import type { Store, StoredEvent } from '../../lib/store.js';
import { MILLISECOND, toMilliseconds } from '../../lib/time.js';
import { inNamespace, storeCase } from '../arbitraries.js';
import { ReferenceStore } from '../reference.js';
import {
  all,
  CASES,
  collect,
  freshNamespace,
  NOON,
  openForSuite,
  point,
  points,
  PROPERTY_TIMEOUT,
  shown,
  type Subject,
  write,
  writeBoth,
} from './subject.js';

/** Events as they are, and what there is. */
export function listing(subject: Subject): void {
  describe('events', () => {
    const opened = openForSuite(subject);

    it('come in order and complete, in one piece and in pages of any size', async function () {
      this.timeout(PROPERTY_TIMEOUT);
      await fc.assert(
        fc.asyncProperty(storeCase, fc.integer({ min: 1, max: 9 }), async ({ writes, question }, size) => {
          const namespace = freshNamespace();
          const reference = new ReferenceStore();
          for (const written of inNamespace(namespace, writes)) await writeBoth(opened().store, reference, written);
          const selection = { ...all(namespace), tags: question.tags };
          const expected = (await collect(reference.events({ selection }))).map(shown).sort();
          const whole = await collect(opened().store.events({ selection }));
          expectInOrder(whole);
          expect(whole.map(shown).sort()).to.deep.equal(expected);
          expect((await pages(opened().store, selection, size, whole.length)).map(shown)).to.deep.equal(
            whole.map(shown),
          );
        }),
        { numRuns: CASES },
      );
    });

    it('can be paged through ten thousand of one millisecond', async function () {
      this.timeout('1m');
      const [{ store }, namespace] = [opened(), freshNamespace()];
      await write(
        store,
        points(10_000, (value) => ({ namespace, value, tags: { host: String(value % 7) } })),
      );
      const values = (await pages(store, all(namespace), 1999, 10_000)).map(({ value }) => value);
      expect(values.sort((one, other) => one - other)).to.deep.equal(
        Array.from({ length: 10_000 }, (_, index) => index),
      );
    });

    it('can be left at any time without holding up who comes next', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      const second = 1000n * MILLISECOND;
      await write(
        store,
        points(10_000, (index) => ({ namespace, time: NOON + BigInt(index) * second })),
      );
      const windows = [{ start: NOON, length: second, count: 10_000 }];
      for (let time = 0; time < 20; time++) {
        for await (const _ of store.events({ selection: all(namespace) })) break;
        for await (const _ of store.aggregate({ selection: all(namespace), windows, aggregations: ['avg'] })) break;
      }
      await write(store, [point({ namespace, time: NOON - second })]);
      expect(await collect(store.events({ selection: all(namespace) }))).to.have.length(10_001);
    });

    it('can be written while others are read', async () => {
      const [{ store }, namespace] = [opened(), freshNamespace()];
      const second = 1000n * MILLISECOND;
      const some = (start: number): ReturnType<typeof points> =>
        points(5000, (index) => ({ namespace, time: NOON + BigInt(start + index) * second }));
      await write(store, some(0));
      const reader = store.events({ selection: { ...all(namespace), tsMax: NOON + 5000n * second } });
      let read = 0;
      for await (const _ of reader) if (++read % 1000 === 0) await write(store, some(read * 5));
      expect(read).to.equal(5000);
      expect(await collect(store.events({ selection: all(namespace) }))).to.have.length(30_000);
    });
  });

  describe('discovery', () => {
    const opened = openForSuite(subject);

    it('finds nothing in an empty database', async () => {
      expect(await opened().store.namespaces()).to.deep.equal([]);
      expect(await opened().store.names('unknown')).to.deep.equal([]);
      await opened().store.check();
    });

    it('lists namespaces, and names with their tag keys, first and last time, also after a restart', async () => {
      const day = 86_400_000n * MILLISECOND;
      const [one, other] = ['Server-1', 'Frontend'];
      await write(opened().store, [
        point({ namespace: one, name: 'memory', tags: { host: 'a' }, time: NOON + day }),
        point({ namespace: one, name: 'cpu', tags: { host: 'a', region: 'x' } }),
        point({ namespace: one, name: 'cpu', tags: { disk: 'b' }, time: NOON - 400n * day }),
        point({ namespace: other, name: 'pageView', time: NOON + 1n }),
      ]);
      for (let time = 0; time < 2; time++) {
        const { store } = opened();
        expect(await store.namespaces()).to.deep.equal([other, one]);
        const summaries = (await store.names(one)).map(({ name, tagKeys, first, last }) => [
          name,
          tagKeys.toSorted(),
          toMilliseconds(first) - toMilliseconds(NOON),
          toMilliseconds(last) - toMilliseconds(NOON),
        ]);
        expect(summaries).to.deep.equal([
          ['cpu', ['disk', 'host', 'region'], -400 * 86_400_000, 0],
          ['memory', ['host'], 86_400_000, 86_400_000],
        ]);
        expect((await store.names(other)).map(({ tagKeys }) => tagKeys)).to.deep.equal([[]]);
        await opened().reopen();
      }
    });
  });
}

/** All events, `count` of them, page by page as a client would follow them. */
async function pages(store: Store, selection: Selection, limit: number, count: number): Promise<StoredEvent[]> {
  const collected: StoredEvent[] = [];
  for (;;) {
    const last = collected.at(-1);
    const from = last && { time: last.time, skip: collected.filter(({ time }) => time === last.time).length };
    const page = await collect(store.events({ selection, limit, ...(from === undefined ? {} : { from }) }));
    expect(page.length, 'events on a page').to.be.at.most(limit);
    if (page.length === 0) return collected;
    collected.push(...page);
    expect(collected.length, 'events on all pages').to.be.at.most(count);
  }
}

function expectInOrder(events: readonly StoredEvent[]): void {
  const times = events.map(({ time }) => time);
  expect(times).to.deep.equal(times.toSorted((one, other) => (one < other ? -1 : one > other ? 1 : 0)));
}
