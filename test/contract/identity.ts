import { expect } from 'chai';
import { Ingest } from '../../lib/ingest.js';
import { MILLISECOND, toMilliseconds } from '../../lib/time.js';
import {
  aggregatesOf,
  all,
  collect,
  freshNamespace,
  NOON,
  openForSuite,
  point,
  points,
  type Subject,
  valuesOf,
  write,
} from './subject.js';

const MANY = 10_000;

/** What counts as the same point, and that nothing else does. */
export function identity(subject: Subject): void {
  describe('identity', () => {
    const opened = openForSuite(subject);

    describe('of events with an id', () => {
      it('counts once in one write, and the first value stays', async () => {
        const [{ store }, namespace] = [opened(), freshNamespace()];
        await write(store, [
          point({ namespace, id: 'a', value: 1 }),
          point({ namespace, id: 'b', value: 2 }),
          point({ namespace, id: 'a', value: 3 }),
        ]);
        expect(await valuesOf(store, namespace)).to.deep.equal([1, 2]);
      });

      it('counts once over many writes and a restart, and the first value stays', async () => {
        const namespace = freshNamespace();
        for (const value of [1, 2]) await write(opened().store, [point({ namespace, id: 'a', value })]);
        await opened().reopen();
        for (const value of [3, 4]) await write(opened().store, [point({ namespace, id: 'a', value })]);
        expect(await valuesOf(opened().store, namespace)).to.deep.equal([1]);
      });

      it('counts once when old and new times come mixed, after a restart', async () => {
        const namespace = freshNamespace();
        const month = (index: number): bigint => NOON - BigInt(index) * 30n * 86_400_000n * MILLISECOND;
        const sent = points(24, (index) => ({ namespace, time: month(index), id: 'a', value: index }));
        await write(opened().store, sent);
        await opened().reopen();
        await write(opened().store, [...sent.toReversed(), point({ namespace, time: month(30), id: 'a', value: 99 })]);
        expect(await valuesOf(opened().store, namespace)).to.deep.equal([...sent.map(({ value }) => value), 99]);
      });

      it('is told apart by series and by time', async () => {
        const [{ store }, namespace] = [opened(), freshNamespace()];
        await write(store, [
          point({ namespace, id: 'a' }),
          point({ namespace, id: 'a', tags: { host: 'a' } }),
          point({ namespace, id: 'a', tags: { host: 'b' } }),
          point({ namespace, id: 'a', tags: { region: 'a' } }),
          point({ namespace, id: 'a', time: NOON + MILLISECOND }),
          point({ namespace, id: 'a', time: NOON + 1n }),
        ]);
        expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([6]);
      });

      it('counts once when many send it at the same time', async () => {
        const [{ store }, namespace] = [opened(), freshNamespace()];
        const ingest = new Ingest((batch) => store.write(batch), { maxWaiting: 1e6, maxBatch: 100, timeout: 60_000 });
        const request = points(20, (index) => ({ namespace, id: String(index), value: index }));
        await Promise.all(Array.from({ length: 50 }, () => ingest.accept(request)));
        await ingest.close();
        expect(await valuesOf(store, namespace)).to.deep.equal(request.map(({ value }) => value));
      });
    });

    describe('of samples', () => {
      it('counts once in one write, and the last value stays', async () => {
        const [{ store }, namespace] = [opened(), freshNamespace()];
        await write(
          store,
          points(3, (value) => ({ namespace, value, sample: true })),
        );
        expect(await valuesOf(store, namespace)).to.deep.equal([2]);
      });

      it('counts once over many writes and a restart, and the last value stays', async () => {
        const namespace = freshNamespace();
        const send = (value: number): Promise<void> =>
          write(opened().store, [
            point({ namespace, value, sample: true }),
            point({ namespace, value: 10 * value, time: NOON - 90_000_000_000n * MILLISECOND, sample: true }),
          ]);
        await send(1);
        await send(2);
        expect(await valuesOf(opened().store, namespace)).to.deep.equal([2, 20]);
        await opened().reopen();
        await send(3);
        await send(4);
        expect(await valuesOf(opened().store, namespace)).to.deep.equal([4, 40]);
        await opened().reopen();
        expect(await valuesOf(opened().store, namespace)).to.deep.equal([4, 40]);
      });

      it('is told apart by series and by the nanosecond', async () => {
        const [{ store }, namespace] = [opened(), freshNamespace()];
        await write(store, [
          point({ namespace, sample: true }),
          point({ namespace, sample: true, tags: { host: 'a' } }),
          point({ namespace, sample: true, time: NOON + 1n }),
          point({ namespace, sample: true, name: 'memory' }),
        ]);
        expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([3]);
      });
    });

    describe('of events with neither', () => {
      it('counts each one of ten thousand in one millisecond: in one write, in a thousand, and after a restart', async function () {
        this.timeout('2m');
        const namespace = freshNamespace();
        const some = (count: number, start: number): ReturnType<typeof points> =>
          points(count, (index) => ({ namespace, value: start + index }));
        await write(opened().store, some(MANY, 0));
        for (let sent = 0; sent < MANY; sent += 10) await write(opened().store, some(10, MANY + sent));
        await opened().reopen();
        await write(opened().store, some(MANY, 2 * MANY));
        const expected = Array.from({ length: 3 * MANY }, (_, index) => index);
        expect(await valuesOf(opened().store, namespace)).to.deep.equal(expected);
      });

      it('keeps its millisecond, however many share it and whatever its finer digits', async () => {
        const [{ store }, namespace] = [opened(), freshNamespace()];
        for (const finer of [999_999n, 999_998n, 0n, 500_000n]) {
          await write(
            store,
            points(500, () => ({ namespace, time: NOON + finer })),
          );
        }
        const events = await collect(store.events({ selection: all(namespace) }));
        expect(events).to.have.length(2000);
        expect(new Set(events.map(({ time }) => toMilliseconds(time)))).to.deep.equal(new Set([toMilliseconds(NOON)]));
      });
    });

    it('counts ten thousand ids of one millisecond once, sent again in other groups and after a restart', async function () {
      this.timeout('2m');
      const namespace = freshNamespace();
      const sent = points(MANY, (index) => ({ namespace, id: String(index), value: index }));
      await write(opened().store, sent);
      await write(opened().store, sent.slice(MANY / 2));
      await opened().reopen();
      await write(opened().store, sent.toReversed().slice(MANY / 3));
      await write(opened().store, sent);
      expect(await valuesOf(opened().store, namespace)).to.deep.equal(sent.map(({ value }) => value));
    });

    it('lets events with an id and without one share a millisecond', async () => {
      const namespace = freshNamespace();
      const named = points(100, (index) => ({ namespace, id: String(index), value: 1 }));
      const unnamed = points(100, () => ({ namespace, value: 2 }));
      await write(opened().store, [...unnamed, ...named]);
      await opened().reopen();
      await write(opened().store, [...named, ...unnamed]);
      expect(await aggregatesOf(opened().store, all(namespace), 'count', 'sum')).to.deep.equal([300, 500]);
    });
  });
}
