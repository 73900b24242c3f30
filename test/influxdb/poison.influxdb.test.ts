import { expect } from 'chai';
import { TrackingError } from '../../lib/errors.js';
import type { Point } from '../../lib/event.js';
import { InfluxDBStore } from '../../lib/influxdb/store.js';
import { Ingest } from '../../lib/ingest.js';
import type { Refusal } from '../../lib/store.js';
import { MILLISECOND, now } from '../../lib/time.js';
import { aggregatesOf, all, DELIVERY, freshNamespace, point, points } from '../contract/subject.js';
import { type BucketAccess, influxDB, writeLines } from '../servers/influxdb.js';

const HOUR = 3600;
const THOUSAND = 1000;

describe('One point in a thousand that InfluxDB refuses', () => {
  let access: BucketAccess;
  let store: InfluxDBStore;
  /** Points without the poisoned one are of this time, which the bucket keeps. */
  const time = now();

  before('a bucket that keeps an hour', async function () {
    this.timeout('20m');
    access = await (await influxDB()).createBucket(HOUR);
    store = new InfluxDBStore(access);
  });

  after(async () => {
    await store.close();
    await (await influxDB()).removeBucket(access);
  });

  /** A point of a namespace in which another program has written an integer, and one that is too old. */
  async function poisons(): Promise<readonly { readonly poison: Point; readonly reason: RegExp }[]> {
    const foreign = freshNamespace();
    await writeLines(access, `${foreign},name=cpu value=3i ${String(time)}`);
    return [
      { poison: point({ namespace: foreign, time }), reason: /not a float/ },
      {
        poison: point({ namespace: freshNamespace(), time: time - 100n * BigInt(HOUR) * 1000n * MILLISECOND }),
        reason: /older than the bucket keeps/,
      },
    ];
  }

  function around(namespace: string, poison: Point, at: number): Point[] {
    const good = points(THOUSAND - 1, (value) => ({ namespace, value, time }));
    return [...good.slice(0, at), poison, ...good.slice(at)];
  }

  it('is refused with its reason, and the 999 others are stored', async function () {
    this.timeout('2m');
    for (const { poison, reason } of await poisons()) {
      for (const at of [0, 617, THOUSAND - 1]) {
        const namespace = freshNamespace();
        const refusals = await store.write(around(namespace, poison, at));
        expect(refusals.map(({ index }) => index)).to.deep.equal([at]);
        expect(refusals[0]?.reason).to.match(reason);
        expect(await aggregatesOf(store, all(namespace), 'count', 'max')).to.deep.equal([THOUSAND - 1, THOUSAND - 2]);
      }
    }
  });

  it('is told to the one whose it is, and to nobody else of the group commit', async function () {
    this.timeout('2m');
    for (const { poison, reason } of await poisons()) {
      const sizes: number[] = [];
      const write = (batch: readonly Point[]): Promise<readonly Refusal[]> => {
        sizes.push(batch.length);
        return store.write(batch);
      };
      const ingest = new Ingest(write, { maxWaiting: 1e6, maxBatch: 1e6, timeout: 100_000 });
      const [namespace, own] = [freshNamespace(), freshNamespace()];
      const neighbours = Array.from({ length: 10 }, (_, index) =>
        ingest.accept(
          points(100, (value) => ({ namespace, time, value: index * 100 + value })),
          String(index),
        ),
      );
      const unlucky = ingest.accept([point({ namespace: own, time }), poison, point({ namespace: own, time })]).then(
        () => undefined,
        (error: unknown) => error,
      );
      await Promise.all(neighbours);
      const error = await unlucky;
      await ingest.close();
      expect(sizes, 'group commits').to.deep.equal([1003]);
      expect(error).to.be.instanceOf(TrackingError).with.property('code', 'unprocessable');
      const { mistakes } = error as TrackingError;
      expect(mistakes.map(({ index }) => index)).to.deep.equal([1]);
      expect(mistakes[0]?.message).to.match(reason);
      expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([1000]);
      expect(await aggregatesOf(store, all(own), 'count')).to.deep.equal([2]);
    }
  });

  it('is refused again when it is repeated, and counts nothing twice', async () => {
    for (const { poison } of await poisons()) {
      const namespace = freshNamespace();
      const batch = around(namespace, poison, 500);
      let recorded: Uint8Array | undefined;
      const delivery = {
        ...DELIVERY,
        record: (plan: Uint8Array): Promise<void> => {
          recorded = plan;
          return Promise.resolve();
        },
      };
      const first = await store.write(batch, delivery);
      const again = await store.write(batch, { ...delivery, ...(recorded && { recorded }) });
      expect(again).to.deep.equal(first).and.to.have.length(1);
      expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([THOUSAND - 1]);
    }
  });
});
