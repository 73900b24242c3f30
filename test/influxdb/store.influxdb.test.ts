import { expect } from 'chai';
import { InfluxDBStore } from '../../lib/influxdb/store.js';
import { MILLISECOND, toMilliseconds } from '../../lib/time.js';
import {
  aggregatesOf,
  all,
  collect,
  DELIVERY,
  NOON,
  point,
  points,
  type PointSketch,
  write,
} from '../contract/subject.js';
import { failureOf } from '../failure.js';
import { type BucketAccess, influxDB, writeLines } from '../servers/influxdb.js';
import { freePort } from '../servers/process.js';
import { type Fate, Proxy } from './proxy.js';

const SECOND = 1000n * MILLISECOND;
const DAY = 86_400n * SECOND;

describe('Events in InfluxDB', () => {
  let access: BucketAccess;
  const stores: InfluxDBStore[] = [];

  function open(options: Partial<ConstructorParameters<typeof InfluxDBStore>[0]> = {}): InfluxDBStore {
    const store = new InfluxDBStore({ ...access, ...options });
    stores.push(store);
    return store;
  }

  async function flux(query: string): Promise<string> {
    const response = await fetch(`${access.url}/api/v2/query?org=${access.org}`, {
      method: 'POST',
      headers: { authorization: `Token ${access.token}`, 'content-type': 'application/vnd.flux' },
      body: query,
    });
    return response.text();
  }

  async function messageOf(work: Promise<unknown>): Promise<string> {
    const { code, message } = await failureOf(work);
    expect(code).to.equal('unavailable');
    return message;
  }

  before('a bucket', async function () {
    this.timeout('20m');
    access = await (await influxDB()).createBucket();
  });

  after(async () => {
    for (const store of stores) await store.close();
    await (await influxDB()).removeBucket(access);
  });

  it('are found by a query written by hand: measurement, tag name, float field value', async () => {
    await write(open(), [point({ namespace: 'Server-1', name: 'cpu', tags: { host: 'web 1' }, value: 42 })]);
    const answer = await flux(
      `from(bucket: "${access.bucket}") |> range(start: 2020-11-12T00:00:00Z, stop: 2020-11-13T00:00:00Z)
        |> filter(fn: (r) => r._measurement == "Server-1" and r.name == "cpu" and r.host == "web 1" and r._field == "value")`,
    );
    expect(answer).to.include('2020-11-12T11:10:00Z,42,value,Server-1,web 1,cpu');
  });

  it("leave another program's measurements out of the list, and read its points where they look like ours", async () => {
    await writeLines(access, `foreign,host=a usage=1 ${String(NOON)}\nalike,name=cpu value=3 ${String(NOON)}`);
    const namespaces = await open().namespaces();
    expect(namespaces).to.include('alike').and.not.include('foreign');
    expect(await aggregatesOf(open(), all('alike'), 'sum', 'count')).to.deep.equal([3, 1]);
  });

  it('that could not be stored are said to be so, and those that may be there too', async () => {
    let failing: string | undefined = '/api/v2/query';
    const proxy = await Proxy.before(access, ({ path, body }) => {
      if (path !== failing) return undefined;
      return path === '/api/v2/write' ? { body, answer: 'reset' } : { answer: 503 };
    });
    const sent = [point({ namespace: 'Fate' })];
    const store = open(proxy.access);
    expect(await messageOf(store.write(sent))).to.match(/\(status 503\)\. Nothing of this request was stored\.$/);
    failing = undefined;
    await write(store, sent);
    failing = '/api/v2/write';
    const message = messageOf(store.write(sent));
    while ((await aggregatesOf(open(), all('Fate'), 'count'))?.[0] !== 2);
    await store.close();
    expect(await message).to.equal('The store is closed. Its events may be stored.');
    await proxy.close();
  });

  it('count once where thousands go in several requests and some of these are not answered, and the last sample stays', async () => {
    const fates: ((body: string) => Fate)[] = [
      (body) => ({ body, answer: 'reset' }),
      () => ({ answer: 503 }),
      (body) => ({ body: body.slice(0, body.indexOf('\n', body.length / 2)), answer: 'reset' }),
    ];
    const lengths: number[] = [];
    const proxy = await Proxy.before(access, ({ path, body }) => {
      if (path !== '/api/v2/write') return undefined;
      lengths.push(body.split('\n').length);
      return fates[lengths.length - 1]?.(body);
    });
    const sketch = (index: number): PointSketch => ({ namespace: 'Beside', tags: { host: String(index % 9) } });
    const events = points(9000, sketch);
    const samples = [1, 2].flatMap((value) =>
      points(3000, (index) => ({ ...sketch(index), name: 'sampled', time: NOON + BigInt(index), sample: true, value })),
    );
    await write(open(proxy.access), [...events, ...samples]);
    expect(lengths).to.have.length(6);
    expect(await aggregatesOf(open(), all('Beside'), 'count')).to.deep.equal([9000]);
    expect(await aggregatesOf(open(), all('Beside', 'sampled'), 'count', 'sum')).to.deep.equal([3000, 6000]);
    await proxy.close();
  });

  it('find a place among those that another process wrote, at any time, with next to no memory', async () => {
    const sketch = { namespace: 'Old' };
    const times = Array.from({ length: 40 }, (_, day) => NOON + BigInt(day % 8) * DAY + BigInt(day) * SECOND);
    const batch = times.map((time) => point({ ...sketch, time }));
    for (let round = 0; round < 3; round++) {
      const store = open({ maxKnownBytes: 2000 });
      for (let from = 0; from < batch.length; from += 7) await write(store, batch.slice(from, from + 7));
      await write(store, batch);
      await store.close();
    }
    expect(await aggregatesOf(open(), all('Old'), 'count')).to.deep.equal([40 * 6]);
  });

  it('find their places within the memory, however many series they are of, and count once by their id', async () => {
    const [namespace, series, each] = ['Many', 24, 2000];
    const batch = points(series * each, (index) => ({
      namespace,
      tags: { host: String(index % series) },
      time: NOON + BigInt(index) * MILLISECOND,
      id: String(index),
    }));
    await write(open(), batch);
    const maxKnownBytes = 500_000;
    const store = open({ maxKnownBytes });
    const held: number[] = [];
    const record = (): Promise<void> => Promise.resolve(void held.push(store.memory.bytes));
    const others = points(series * 2, (index) => ({
      namespace,
      tags: { host: String(index % series) },
      time: NOON + BigInt(index) * MILLISECOND,
      id: index < series ? String(index) : `new ${String(index)}`,
    }));
    expect(await store.write(others, { ...DELIVERY, record })).to.deep.equal([]);
    const page = 2 * 4096 * 8 + 1400;
    expect(Math.max(...held)).to.be.within(maxKnownBytes * 0.5, maxKnownBytes + 4 * page);
    expect(store.memory.bytes).to.be.at.most(maxKnownBytes);
    expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([series * each + series]);
  }).timeout('1m');

  it('count once by their id among points of series with further tags', async () => {
    const sketch = { namespace: 'Similar', id: 'one' };
    const two = [point(sketch), point({ ...sketch, tags: { host: 'a' } })];
    await write(open(), two);
    await write(open(), two);
    await write(open(), [point({ ...sketch, tags: { host: 'b' } })]);
    expect(await aggregatesOf(open(), all('Similar'), 'count')).to.deep.equal([3]);
  });

  it('are learned in pages short enough for a hundred thousand in a second', async () => {
    const crowd = points(100_500, (index) => ({ namespace: 'Crowd', time: NOON + BigInt(index) * 9000n }));
    await write(open(), crowd);
    const store = open();
    await write(store, [point({ namespace: 'Crowd' }), point({ namespace: 'Crowd', time: NOON + 500n * MILLISECOND })]);
    expect(store.memory.pages).to.equal(2);
    expect(await aggregatesOf(store, all('Crowd'), 'count')).to.deep.equal([100_502]);
  }).timeout('1m');

  it('keep their time before 1970, and are counted there', async () => {
    const store = open();
    const early = -1000n * DAY;
    await write(
      store,
      [0n, 1n, 400n, 999n, 1001n].map((days) => point({ namespace: 'Early', time: early + days * DAY })),
    );
    const events = await collect(store.events({ selection: all('Early') }));
    expect(events.map(({ time }) => (toMilliseconds(time) - toMilliseconds(early)) / 86_400_000)).to.deep.equal([
      0, 1, 400, 999, 1001,
    ]);
    expect(await aggregatesOf(store, all('Early'), 'count', 'sum', 'first')).to.deep.equal([5, 5, 1]);
    const runs = [
      { start: early, length: DAY, count: 1000 },
      { start: 0n, length: DAY, count: 2 },
    ];
    const rows = store.aggregate({ selection: all('Early'), windows: runs, aggregations: ['count'] });
    expect((await collect(rows)).map(({ start }) => (start - early) / DAY)).to.deep.equal([0n, 1n, 400n, 999n, 1001n]);
  });

  it('are refused with a reason where InfluxDB takes only another type, and the others of the write are stored', async () => {
    await writeLines(access, `whole,name=cpu value=3i ${String(NOON)}`);
    const store = open();
    const refusals = await store.write([
      point({ namespace: 'Fine', id: 'a' }),
      point({ namespace: 'whole', id: 'b' }),
      point({ namespace: 'Fine', id: 'c' }),
      point({ namespace: 'whole', id: 'b' }),
    ]);
    expect(refusals.map(({ index }) => index)).to.deep.equal([1, 3]);
    expect(refusals[0]?.reason).to.match(/not a float/);
    expect((await store.write([point({ namespace: 'whole', id: 'b' })])).length).to.equal(1);
    expect(await aggregatesOf(store, all('Fine'), 'count')).to.deep.equal([2]);
  });

  it('wait for nothing where InfluxDB is absent or the settings are wrong, and say which', async () => {
    const absent = open({ url: `http://127.0.0.1:${String(await freePort())}` });
    for (const work of [absent.check(), absent.write([point({ namespace: 'A' })]), absent.namespaces()]) {
      expect(await messageOf(work)).to.match(/cannot be reached\.(?: Nothing of this request was stored\.)?$/);
    }
    expect(await messageOf(open({ token: 'wrong' }).check())).to.include('INFLUXDB_TOKEN');
    expect(await messageOf(open({ bucket: 'none' }).check())).to.match(
      /INFLUXDB_BUCKET .* that INFLUXDB_TOKEN may read/,
    );
    expect(await messageOf(open({ org: 'none' }).check())).to.include('INFLUXDB_ORG');
    expect(await messageOf(open({ bucket: 'none' }).write([point({ namespace: 'A' })]))).to.include('INFLUXDB_BUCKET');
    expect(await messageOf(open({ bucket: 'none' }).extent(all('A')))).to.include('INFLUXDB_BUCKET');
    await open().check();
  });

  it('are the same whether few or many of their groups are asked for at a time', async () => {
    const store = open();
    const hosts = Array.from({ length: 30 }, (_, index) => `host-${String(index).padStart(2, '0')}`);
    await write(
      store,
      hosts.map((host, index) =>
        point({ namespace: 'Groups', tags: index === 7 ? {} : { host }, time: NOON, value: index }),
      ),
    );
    // So many windows that only two groups fit into a turn.
    const windows = [{ start: NOON - DAY, length: SECOND, count: 90_000 }];
    const question = { selection: all('Groups'), windows, aggregations: ['sum' as const], groupBy: 'host' };
    const rows = await collect(store.aggregate(question));
    expect(rows.map(({ group, values }) => [group, values[0]])).to.deep.equal([
      [undefined, 7],
      ...hosts.map((host, index) => [host, index]).filter(([, index]) => index !== 7),
    ]);
  });
});
