import { expect } from 'chai';
import type { Point } from '../../lib/event.js';
import { InfluxDBStore } from '../../lib/influxdb/store.js';
import { MILLISECOND, now } from '../../lib/time.js';
import { aggregatesOf, all, DELIVERY, freshNamespace, point, points } from '../contract/subject.js';
import { type BucketAccess, influxDB, type InfluxDBServer, writeLines } from '../servers/influxdb.js';
import { Proxy } from './proxy.js';

const SECOND = 1000n * MILLISECOND;
const HOUR = 3600n * SECOND;
const DAY = 24n * HOUR;
const KEPT = 3600; // s
const REASON = 'it is older than the bucket keeps points';

describe('Many events that InfluxDB would refuse', function () {
  this.timeout('2m');
  let server: InfluxDBServer;
  let access: BucketAccess;
  let proxy: Proxy;
  let store: InfluxDBStore;
  /** The lines of each write. */
  const writes: string[][] = [];
  let questions = 0;
  let hidden = false;
  const time = now();

  before('a bucket that keeps an hour', async function () {
    this.timeout('20m');
    server = await influxDB();
  });

  beforeEach(async () => {
    access = await server.createBucket(KEPT);
    writes.length = 0;
    questions = 0;
    hidden = false;
    proxy = await Proxy.before(access, ({ path, body }) => {
      if (path === '/api/v2/write' && body !== '') writes.push(body.split('\n'));
      if (path !== '/api/v2/buckets') return undefined;
      questions++;
      return hidden ? { answer: 403 } : undefined;
    });
    store = new InfluxDBStore(proxy.access);
  });

  afterEach(async () => {
    await store.close();
    await proxy.close();
    await server.removeBucket(access);
  });

  /** Every other one is too old. */
  function mixed(namespace: string, age: bigint): Point[] {
    return points(2000, (value) => ({ namespace, value, time: value % 2 === 0 ? time - age : time }));
  }

  function odds(length: number): number[] {
    return Array.from({ length }, (_, index) => index * 2);
  }

  it('as too old: none of them is sent, and the others are stored', async () => {
    const namespace = freshNamespace();
    const refusals = await store.write(mixed(namespace, 60n * DAY));
    expect(refusals).to.deep.equal(odds(1000).map((index) => ({ index, reason: REASON })));
    expect(writes.map((lines) => lines.length)).to.deep.equal([1000]);
    expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([1000]);
  });

  it('as too old: those of a delivery are refused again when it is repeated', async () => {
    const namespace = freshNamespace();
    const recorded: Uint8Array[] = [];
    const record = (plan: Uint8Array): Promise<void> => Promise.resolve(void recorded.push(plan));
    const batch = mixed(namespace, 60n * DAY);
    const first = await store.write(batch, { ...DELIVERY, record });
    const [plan] = recorded;
    if (plan === undefined) throw new Error('Nothing was recorded.');
    expect(await store.write(batch, { ...DELIVERY, record, recorded: plan })).to.deep.equal(first);
    expect(first).to.have.length(1000);
    expect(writes.flat()).to.have.length(2000);
    expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([1000]);
  });

  it('as too old: the bucket is asked for old events alone', async () => {
    const namespace = freshNamespace();
    for (const age of [0n, 10n, 3599n]) await store.write([point({ namespace, time: time - age * SECOND })]);
    const asked = questions;
    expect(await store.write([point({ namespace, time: time - 60n * DAY })])).to.have.length(1);
    expect(questions).to.be.above(asked);
    expect(writes).to.have.length(3);
  });

  it('as too old: they are taken as soon as the bucket keeps more', async () => {
    const namespace = freshNamespace();
    const old = [point({ namespace, time: time - 60n * DAY })];
    expect(await store.write(old)).to.deep.equal([{ index: 0, reason: REASON }]);
    await server.changeRetention(access, 0);
    expect(await store.write(old)).to.deep.equal([]);
    expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([1]);
  });

  it('as too old: those of which that is not certain, and all where the token may not ask, are left to InfluxDB', async () => {
    for (const age of [5n * HOUR, 60n * DAY]) {
      hidden = age > DAY;
      const namespace = freshNamespace();
      writes.length = 0;
      const refusals = await store.write(mixed(namespace, age));
      expect(refusals).to.deep.equal(odds(1000).map((index) => ({ index, reason: REASON })));
      expect(writes.map((lines) => lines.length)).to.deep.equal([2000, 1000, 1000]);
      expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([1000]);
    }
  });

  it('as of another type: a few requests find them among those of other namespaces', async () => {
    const prefix = freshNamespace();
    const nameOf = (number: number): string => `${prefix}-${String(number)}`;
    for (const number of [2, 5]) await writeLines(access, `${nameOf(number)},name=cpu value=3i ${String(time)}`);
    const batch = points(8000, (value) => ({ namespace: nameOf(value % 8), value, time }));
    const refusals = await store.write(batch);
    const refused = batch.flatMap((_, index) => (index % 8 === 2 || index % 8 === 5 ? [index] : []));
    expect(refusals.map(({ index }) => index)).to.deep.equal(refused);
    for (const { reason } of refusals) expect(reason).to.match(/not a float/);
    expect(writes.length).to.be.below(20);
    for (const number of [0, 1, 3, 4, 6, 7]) {
      expect(await aggregatesOf(store, all(nameOf(number)), 'count')).to.deep.equal([1000]);
    }
  });

  it('as of another type: only those of the day in which another program wrote', async () => {
    await server.changeRetention(access, 0);
    const namespace = freshNamespace();
    await writeLines(access, `${namespace},name=foreign value=3i ${String(time - 50n * DAY)}`);
    const batch = points(1000, (value) => ({ namespace, value, time: time - (value % 10 === 3 ? 50n * DAY : 0n) }));
    const refusals = await store.write(batch);
    const tens = Array.from({ length: 100 }, (_, ten) => ten * 10);
    expect(refusals.map(({ index }) => index)).to.deep.equal(tens.map((ten) => ten + 3));
    expect(writes.length).to.be.below(25);
    const since = { ...all(namespace), tsMin: time - DAY };
    expect(await aggregatesOf(store, since, 'count')).to.deep.equal([900]);
  });
});
