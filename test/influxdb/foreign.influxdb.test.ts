import { expect } from 'chai';
import type { Point } from '../../lib/event.js';
import { InfluxDBStore } from '../../lib/influxdb/store.js';
import { MILLISECOND, type Nanoseconds } from '../../lib/time.js';
import { aggregatesOf, all, collect, freshNamespace, point, points, valuesOf, write } from '../contract/subject.js';
import { type BucketAccess, bucketForSuite, influxDB, writeLines } from '../servers/influxdb.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YESTERDAY = Math.floor(Date.now() / 1000) * 1000 - DAY;

describe('A namespace where another program has written values of other types', () => {
  const access = bucketForSuite();
  let store: InfluxDBStore;

  before(() => {
    store = new InfluxDBStore(access());
  });

  after(() => store.close());

  function foreign(...lines: readonly string[]): Promise<void> {
    return foreignIn(access(), ...lines);
  }

  function foreignIn(place: BucketAccess, ...lines: readonly string[]): Promise<void> {
    return writeLines(place, lines.join('\n'), 'ms');
  }

  for (const [when, days] of [
    ['before ours', -60],
    ['after ours', 60],
  ] as const) {
    it(`keeps every event all the same, whoever writes it: ${when}`, async () => {
      const namespace = freshNamespace();
      const milliseconds = YESTERDAY - 90 * DAY;
      await foreign(`${namespace},name=foreign value=1i ${String(milliseconds + days * DAY)}`);
      const time = BigInt(milliseconds) * MILLISECOND;
      for (let writer = 0; writer < 3; writer++) {
        const another = new InfluxDBStore(access());
        await write(
          another,
          points(10, (index) => ({ namespace, time, value: writer * 10 + index })),
        );
        await another.close();
        expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([(writer + 1) * 10]);
      }
    });
  }

  for (const [what, id] of Object.entries({ 'a text': '"abc"', 'a fraction': '5.5', 'a zero': '0i' })) {
    it(`takes and gives events also where the other program keeps ${what} in the field of ids`, async () => {
      const namespace = freshNamespace();
      const time = BigInt(YESTERDAY - 90 * DAY) * MILLISECOND;
      await foreign(`${namespace},name=cpu value=0,id=${id} ${String(YESTERDAY - 90 * DAY)}`);
      const later = time + nanosecondsOfDays(60);
      const sent = [point({ namespace, time, value: 1 }), point({ namespace, time: later, value: 2, id: 'a' })];
      for (let writer = 0; writer < 2; writer++) {
        const another = new InfluxDBStore(access());
        await write(another, sent.slice(writer));
        await another.close();
      }
      const found: Point[] = [];
      for await (const some of store.points({ includes: (one) => one === namespace })) found.push(...some);
      expect(found.map(({ value, identity }) => [value, identity.kind])).to.deep.equal([
        [0, 'none'],
        [1, 'none'],
        [2, 'id'],
      ]);
    });
  }

  for (const [where, change] of [
    ['a shard holds an hour', undefined],
    ['a shard held an hour, and holds a week today', (7 * DAY) / 1000],
  ] as const) {
    it(`keeps every event all the same where ${where}`, async () => {
      const [server, namespace] = [await influxDB(), freshNamespace()];
      const bucket = await server.createBucket(DAY / 1000);
      // Integers and ours in turn, an hour each.
      const times = Array.from({ length: 18 }, (_, hour) => Date.now() - (20 - hour) * HOUR);
      const [theirs, ours] = [0, 1].map((rest) => times.filter((_, hour) => hour % 2 === rest)) as [number[], number[]];
      await foreignIn(bucket, ...theirs.map((time) => `${namespace},name=foreign value=1i ${String(time)}`));
      for (let writer = 0; writer < 3; writer++) {
        if (writer === 1 && change !== undefined) await server.changeShards(bucket, change);
        const another = new InfluxDBStore(bucket);
        await write(
          another,
          ours.map((time) => point({ namespace, time: BigInt(time) * MILLISECOND, value: writer })),
        );
        expect(await aggregatesOf(another, all(namespace), 'count')).to.deep.equal([(writer + 1) * 9]);
        await another.close();
      }
      await server.removeBucket(bucket);
    });
  }

  describe('answers as if all were floats', () => {
    const namespace = freshNamespace();
    /** Floats, weeks of integers, floats, days of texts, floats; a week between any two. */
    const kinds = ['', 'i', '', 'text', ''] as const;
    const start = YESTERDAY - 7 * 30 * DAY;
    const timeOf = (week: number, index: number): number => start + week * 14 * DAY + index * 60_000;
    const expected = kinds.flatMap((kind, week) =>
      kind === 'text' ? [] : Array.from({ length: 4 }, (_, index) => week * 10 + index),
    );
    const nanoseconds = (milliseconds: number): Nanoseconds => BigInt(milliseconds) * MILLISECOND;

    before(async () => {
      for (const [week, kind] of kinds.entries()) {
        const indices = [0, 1, 2, 3];
        if (kind === '') {
          await write(
            store,
            indices.map((index) => {
              const sketch = { namespace, value: week * 10 + index, tags: { host: String(index % 2) } };
              return point({ ...sketch, time: nanoseconds(timeOf(week, index)) });
            }),
          );
          continue;
        }
        const valueOf = (index: number): string => (kind === 'i' ? `${String(week * 10 + index)}i` : '"a text"');
        await foreign(
          ...indices.map(
            (index) =>
              `${namespace},name=cpu,host=${String(index % 2)} value=${valueOf(index)} ${String(timeOf(week, index) + (kind === 'i' ? 0 : index * DAY))}`,
          ),
        );
      }
    });

    it('in one window', async () => {
      const sum = expected.reduce((a, b) => a + b);
      const answer = await aggregatesOf(store, all(namespace), 'count', 'sum', 'min', 'max', 'first', 'last', 'p50');
      expect(answer).to.deep.equal([expected.length, sum, 0, 43, 0, 43, median()]);
      function median(): number {
        const middle = expected.length / 2;
        return ((expected[middle - 1] ?? NaN) + (expected[middle] ?? NaN)) / 2;
      }
    });

    it('in windows and groups', async () => {
      const windows = [{ start: nanoseconds(start), length: nanoseconds(7 * DAY), count: 12 }];
      const question = {
        selection: all(namespace),
        windows,
        aggregations: ['count', 'avg', 'last', 'stddev'] as const,
      };
      const rows = await collect(store.aggregate(question));
      const weeks = [0, 1, 2, 4];
      const deviation = Math.sqrt(5 / 3);
      expect(rows.map(({ start: at }) => at)).to.deep.equal(weeks.map((week) => nanoseconds(timeOf(week, 0))));
      for (const [index, { values }] of rows.entries()) {
        const first = (weeks[index] ?? NaN) * 10;
        expect(values.slice(0, 3)).to.deep.equal([4, first + 1.5, first + 3]);
        expect(values[3]).to.be.closeTo(deviation, 1e-9);
      }
      const grouped = await collect(store.aggregate({ ...question, aggregations: ['count'], groupBy: 'host' }));
      expect(grouped.map(({ group, values }) => [group, values[0]])).to.deep.equal(
        ['0', '1'].flatMap((host) => weeks.map(() => [host, 2])),
      );
    });

    it('one by one, in order, and page by page', async () => {
      expect(await valuesOf(store, namespace)).to.deep.equal(expected);
      const page = await collect(store.events({ selection: all(namespace), limit: 6 }));
      expect(page.map(({ value }) => value)).to.deep.equal(expected.slice(0, 6));
      const from = { time: page[5]?.time ?? 0n, skip: 1 };
      const rest = await collect(store.events({ selection: all(namespace), from }));
      expect(rest.map(({ value }) => value)).to.deep.equal(expected.slice(6));
    });

    it('when asked what there is', async () => {
      const [first, last] = [nanoseconds(timeOf(0, 0)), nanoseconds(timeOf(4, 3))];
      expect(await store.extent(all(namespace))).to.deep.equal({ first, last });
      expect(await store.names(namespace)).to.deep.equal([{ name: 'cpu', first, last, tagKeys: ['host'] }]);
    });

    it('when exported', async () => {
      for (const includes of [undefined, (one: string) => one === namespace]) {
        const found: Point[] = [];
        for await (const some of store.points(includes ? { includes } : {})) found.push(...some);
        const values = found.filter(({ series }) => series.namespace === namespace).map(({ value }) => value);
        expect(values.sort((a, b) => a - b)).to.deep.equal(expected);
      }
    });

    it('when deleted', async () => {
      const selection = { ...all(namespace), tags: { host: ['1'] } };
      expect(await store.delete(selection)).to.equal(expected.length / 2);
      expect(await valuesOf(store, namespace)).to.deep.equal(expected.filter((value) => value % 2 === 0));
    });
  });

  for (const [what, values] of Object.entries({
    texts: ['""', '"12"', '"abc"'],
    booleans: ['true', 'false', 'true'],
  })) {
    it(`holds no event where there are only ${what}, whatever is asked`, async () => {
      const namespace = freshNamespace();
      const start = Math.floor(YESTERDAY / HOUR) * HOUR;
      await foreign(
        ...values.map((value, index) => `${namespace},name=cpu,host=a value=${value} ${String(start + index * 1000)}`),
      );
      const [tsMin, tsMax] = [BigInt(start) * MILLISECOND, BigInt(start + HOUR) * MILLISECOND];
      const windows = [{ start: tsMin, length: tsMax - tsMin, count: 1 }];
      for (const range of [{}, { tsMin, tsMax }]) {
        const selection = { ...all(namespace), ...range };
        for (const aggregation of ['count', 'sum', 'avg', 'min', 'first', 'p50', 'stddev'] as const) {
          const rows = await collect(store.aggregate({ selection, windows, aggregations: [aggregation] }));
          expect(rows, aggregation).to.deep.equal([]);
        }
        expect(await collect(store.events({ selection }))).to.deep.equal([]);
        expect(await collect(store.latest(selection, 'host'))).to.deep.equal([]);
        expect(await store.extent(selection)).to.equal(undefined);
        expect(await store.delete(selection)).to.equal(0);
      }
      for (const range of [{}, { from: tsMin, to: tsMax }]) {
        for await (const some of store.points({ includes: (one) => one === namespace, ...range })) {
          expect(some).to.deep.equal([]);
        }
      }
      expect(await store.names(namespace)).to.deep.equal([]);
      expect(await store.namespaces()).not.to.include(namespace);
    });
  }

  it('is read whole also in a bucket that came from InfluxDB 1, whose name is a database and a retention policy', async () => {
    const [server, namespace] = [await influxDB(), freshNamespace()];
    const bucket = await server.createBucket(undefined, '/autogen');
    const another = new InfluxDBStore(bucket);
    await foreignIn(bucket, `${namespace},name=cpu value=1i ${String(YESTERDAY - 60 * DAY)}`);
    await write(another, [point({ namespace, time: BigInt(YESTERDAY) * MILLISECOND, value: 2 })]);
    expect(await aggregatesOf(another, all(namespace), 'count', 'sum')).to.deep.equal([2, 3]);
    await another.close();
    await server.removeBucket(bucket);
  });

  it('is exported whole though the first integer comes while the export is under way', async () => {
    const namespace = freshNamespace();
    const start = BigInt(YESTERDAY - 90 * DAY) * MILLISECOND;
    const later = start + nanosecondsOfDays(60);
    // So many that they are read in several slices; in the last the integer will stand in front of ours.
    await write(
      store,
      points(110_000, (value) => ({ namespace, value, time: start + BigInt(value) * MILLISECOND })),
    );
    await write(
      store,
      points(100, (value) => ({ namespace, value, time: later + BigInt(value), tags: { host: String(value) } })),
    );
    const values: number[] = [];
    let told = false;
    for await (const some of store.points({ includes: (one) => one === namespace })) {
      values.push(...some.map(({ value }) => value));
      if (!told) await foreign(`${namespace},name=foreign value=-1i ${String(YESTERDAY - 60 * DAY)}`);
      told = true;
    }
    expect(values.filter((value) => value >= 0).length).to.equal(110_100);
  });

  for (const [what, value] of Object.entries({ texts: '"a text"', integers: '1i' })) {
    it(`tells at once what counters go on from, whether ${what} are there before it or come after a first look`, async () => {
      const old = `name=foreign value=${value} ${String(YESTERDAY - 90 * DAY)}`;
      for (const order of ['before', 'after'] as const) {
        const namespace = freshNamespace();
        const tags = { stream: 'a' };
        if (order === 'before') await foreign(`${namespace},${old}`);
        else await write(store, [point({ namespace, tags, value: 7 })]);
        await collect(store.latest(all(namespace), 'stream'));
        if (order === 'after') await foreign(`${namespace},${old}`);
        else await write(store, [point({ namespace, tags, value: 7 })]);
        const found = await collect(store.latest(all(namespace), 'stream'));
        expect(found.map((one) => one.value)).to.deep.equal([7]);
      }
    });
  }

  it('is noticed within seconds where the service has answered before', async () => {
    const namespace = freshNamespace();
    const early = BigInt(YESTERDAY - 90 * DAY) * MILLISECOND;
    await write(store, [point({ namespace, time: early }), point({ namespace, time: early + nanosecondsOfDays(60) })]);
    expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([2]);
    await foreign(`${namespace},name=cpu value=1i ${String(YESTERDAY - 60 * DAY)}`);
    const until = Date.now() + 60_000;
    let answer = await aggregatesOf(store, all(namespace), 'count');
    while (answer?.[0] !== 3 && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      answer = await aggregatesOf(store, all(namespace), 'count');
    }
    expect(answer).to.deep.equal([3]);
  });
});

function nanosecondsOfDays(days: number): Nanoseconds {
  return BigInt(days * DAY) * MILLISECOND;
}
