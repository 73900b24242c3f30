import { expect } from 'chai';
import fc from 'fast-check';
import type { Selection } from '../../lib/aggregation.js';
import { TrackingError } from '../../lib/errors.js';
import { identityOfId } from '../../lib/event.js';
import { InfluxDBStore } from '../../lib/influxdb/store.js';
import { measurementOf } from '../../lib/influxdb/names.js';
import { MILLISECOND } from '../../lib/time.js';
import { text } from '../arbitraries.js';
import {
  all,
  CASES,
  collect,
  freshNamespace,
  NOON,
  point,
  points,
  PROPERTY_TIMEOUT,
  valuesOf,
  write,
} from '../contract/subject.js';
import { failureOf } from '../failure.js';
import { bucketForSuite, OwnInfluxDBServer, writeLines } from '../servers/influxdb.js';
import { type Fate, type Passing, Proxy } from './proxy.js';

const DAY = 86_400_000n * MILLISECOND;

describe('Deleting in InfluxDB', () => {
  const access = bucketForSuite();
  const stores: InfluxDBStore[] = [];
  const proxies: Proxy[] = [];

  function open(options: Partial<ConstructorParameters<typeof InfluxDBStore>[0]> = {}): InfluxDBStore {
    const store = new InfluxDBStore({ ...access(), ...options });
    stores.push(store);
    return store;
  }

  async function openBehind(meddle: (passing: Passing) => Fate | undefined, timeout: number): Promise<InfluxDBStore> {
    const proxy = await Proxy.before(access(), meddle);
    proxies.push(proxy);
    return open({ ...proxy.access, timeout });
  }

  async function refusalOf(work: Promise<unknown>): Promise<string> {
    const { code, message } = await failureOf(work);
    expect(code).to.equal('unprocessable');
    return message;
  }

  after(async () => {
    for (const store of stores) await store.close();
    for (const proxy of proxies) await proxy.close();
  });

  it('goes no step further once others may have taken the work over', async () => {
    let steps = 0;
    const meddle = ({ path }: Passing): Fate | undefined =>
      path === '/api/v2/delete' && ++steps === 1 ? { answer: 503 } : undefined;
    const store = await openBehind(meddle, 5000);
    const namespace = freshNamespace();
    await write(
      store,
      points(3, (value) => ({ namespace, value })),
    );
    const lost = new TrackingError('unavailable', 'Lost.');
    const assertHeld = (): void => {
      if (steps > 0) throw lost;
    };
    expect(await store.delete(all(namespace), assertHeld).catch((error: unknown) => error)).to.equal(lost);
    expect(steps).to.equal(1);
    expect(await valuesOf(store, namespace)).to.have.length(3);
    expect(await store.delete(all(namespace), () => undefined)).to.equal(3);
  });

  it('is refused where InfluxDB would take the namespace for a tag, and delete too much', async () => {
    const store = open();
    const sketches = [{ name: 'cpu' }, { name: 'memory' }, { name: 'cpu', tags: { host: 'a' } }];
    for (const namespace of ['name=cpu', 'host=b', 'free=x']) {
      await write(
        store,
        sketches.map((sketch) => point({ namespace, ...sketch })),
      );
    }
    expect(await refusalOf(store.delete(all('name=cpu')))).to.include('name=cpu');
    expect(await refusalOf(store.delete({ ...all('host=b'), tags: { host: ['a'] } }))).to.include('host=b');
    expect(await valuesOf(store, 'name=cpu')).to.have.length(2);
    expect(await valuesOf(store, 'host=b')).to.have.length(2);
    expect(await store.delete(all('free=x'))).to.equal(2);
    expect(await store.delete(all('host=b'))).to.equal(2);
    expect(await collect(store.events({ selection: all('host=b', 'memory') }))).to.have.length(1);
  });

  it('is refused where one name continues another, so that InfluxDB would lose what is to stay', async () => {
    const store = open();
    for (const rest of ['!', '!x', '"', '#!', '#!a']) {
      const namespace = freshNamespace();
      const tags = { host: 'a', zone: 'z' };
      await write(store, [
        ...points(3, (value) => ({ namespace, value, time: NOON + BigInt(value) * DAY })),
        point({ namespace, name: `cpu${rest}` }),
        point({ namespace, name: 'tagged', tags }),
        point({ namespace, name: 'tagged', tags: { ...tags, zone: `z${rest}` } }),
        point({ namespace, name: 'other', tags: { ...tags, host: `a${rest}` } }),
      ]);
      expect(await refusalOf(store.delete({ ...all(namespace), tsMax: NOON + DAY }))).to.include(`cpu${rest}`);
      expect(await valuesOf(store, namespace)).to.deep.equal([0, 1, 2]);
      await refusalOf(store.delete({ ...all(namespace, 'tagged'), tags: { zone: ['z'] } }));
      // These are no continuation of others.
      expect(await store.delete(all(namespace, `cpu${rest}`))).to.equal(1);
      expect(await store.delete(all(namespace, 'other'))).to.equal(1);
      expect(await store.delete({ ...all(namespace), tsMax: NOON + DAY })).to.equal(1);
      expect(await valuesOf(store, namespace)).to.deep.equal([1, 2]);
    }
  });

  it('is refused where a name holds what InfluxDB ends a series with', async () => {
    const [store, namespace] = [open(), freshNamespace()];
    await write(store, [point({ namespace, name: 'a#!~#b' }), point({ namespace, name: 'a' })]);
    await refusalOf(store.delete(all(namespace, 'a#!~#b')));
    expect(await collect(store.events({ selection: all(namespace, 'a#!~#b') }))).to.have.length(1);
  });

  it('takes what is selected and nothing else, or refuses, whatever the names', async function () {
    this.timeout(PROPERTY_TIMEOUT);
    const store = open();
    const some = fc.uniqueArray(text, { minLength: 1, maxLength: 2 });
    const names = fc.record({ namespace: text, names: some, keys: some, values: some });
    await fc.assert(
      fc.asyncProperty(names, fc.nat(), async ({ namespace, names, keys, values }, seed) => {
        const tags = [{}, ...keys.flatMap((key) => values.map((value) => ({ [key]: value })))].filter(
          (some) => !('name' in some || 'time' in some),
        );
        const sketches = names.flatMap((name) => tags.map((some) => ({ namespace, name, tags: some })));
        await write(
          store,
          sketches.map((sketch) => point({ ...sketch, sample: true })),
        );
        const chosen = sketches[seed % sketches.length];
        if (chosen === undefined) return;
        const wanted = Object.fromEntries(Object.entries(chosen.tags).map(([key, value]) => [key, [value]]));
        const selection: Selection = { namespace, name: chosen.name, tags: wanted };
        const countOf = async (asked: Selection): Promise<number> =>
          (await collect(store.events({ selection: asked }))).length;
        const everything = async (): Promise<number> => {
          let count = 0;
          for (const name of names) count += await countOf(all(namespace, name));
          return count;
        };
        const [selected, before] = [await countOf(selection), await everything()];
        const deleted = await store.delete(selection).catch((error: unknown) => {
          expect(error).to.be.instanceOf(TrackingError).with.property('code', 'unprocessable');
          return 0;
        });
        expect(deleted).to.be.oneOf([0, selected]);
        expect(await everything()).to.equal(before - deleted);
      }),
      { numRuns: CASES },
    );
  });

  it('takes along the ids that a deletion left which was cut off, for they would hide an event sent again', async () => {
    const [store, namespace] = [open(), freshNamespace()];
    const event = point({ namespace, id: 'a', value: 7 });
    const { fingerprint } = identityOfId('a', NOON) as { fingerprint: bigint };
    await writeLines(access(), `${measurementOf(namespace)},name=cpu id=${String(fingerprint)}i ${String(NOON)}`);
    expect(await store.delete(all(namespace))).to.equal(0);
    await write(store, [event]);
    expect(await valuesOf(store, namespace)).to.deep.equal([7]);
  });

  it('forgets what it knew, so that an event sent again is stored again', async () => {
    const [store, namespace] = [open(), freshNamespace()];
    const live = BigInt(Date.now() + 3_600_000) * MILLISECOND;
    for (let round = 0; round < 3; round++) {
      const sent = [NOON, live].flatMap((time) => [
        point({ namespace, time, id: 'a', value: round }),
        point({ namespace, time, tags: { host: 'b' }, id: 'a', value: round }),
      ]);
      await write(store, sent);
      await write(store, sent);
      expect(await valuesOf(store, namespace)).to.deep.equal([round, round, round, round]);
      expect(await store.delete({ ...all(namespace), tags: { host: ['b'] } })).to.equal(2);
      expect(await store.delete(all(namespace))).to.equal(2);
    }
  });

  it('counts right when an answer is lost and InfluxDB must be asked again', async () => {
    const namespace = freshNamespace();
    let deletions = 0;
    const store = await openBehind(({ path, body }) => {
      if (path !== '/api/v2/delete' || ++deletions > 3) return undefined;
      return deletions === 1 ? { body, answer: 'reset' } : { answer: deletions === 2 ? 503 : 'reset' };
    }, 10_000);
    await write(
      store,
      points(50, (value) => ({ namespace, value, id: String(value) })),
    );
    expect(await store.delete(all(namespace))).to.equal(50);
    expect(deletions).to.equal(4);
    expect(await store.extent(all(namespace))).to.equal(undefined);
  });

  it('is divided in time where InfluxDB is too slow for all of it, and counts right', async function () {
    this.timeout('1m');
    const namespace = freshNamespace();
    const ranges: number[] = [];
    const store = await openBehind(({ path, body }) => {
      if (path !== '/api/v2/delete') return undefined;
      const { start, stop } = JSON.parse(body) as { start: string; stop: string };
      ranges.push((Date.parse(stop) - Date.parse(start)) / (365 * 86_400_000));
      return (ranges.at(-1) ?? 0) > 100 ? { answer: 'silence' } : undefined;
    }, 300);
    await write(
      store,
      points(100, (index) => ({ namespace, value: index, time: NOON - BigInt(index * 500) * DAY })),
    );
    expect(await store.delete(all(namespace))).to.equal(100);
    expect(ranges.filter((years) => years <= 100).length).to.be.at.least(6);
    expect(await store.extent(all(namespace))).to.equal(undefined);
  });

  it('says so where InfluxDB says that it has deleted and has not', async () => {
    const namespace = freshNamespace();
    const store = await openBehind(({ path }) => (path === '/api/v2/delete' ? { answer: 204 } : undefined), 10_000);
    await write(store, [point({ namespace })]);
    expect(await failureOf(store.delete(all(namespace)))).to.have.property('code', 'unavailable');
    expect(await valuesOf(store, namespace)).to.deep.equal([1]);
  });

  it('is for good: a kill of InfluxDB right after its answer brings nothing back', async function () {
    this.timeout('2m');
    const server = await OwnInfluxDBServer.start();
    const store = new InfluxDBStore(await server.createBucket());
    try {
      const namespace = freshNamespace();
      for (let round = 0; round < 5; round++) {
        const sent = points(2000, (value) => ({
          namespace,
          value,
          id: String(value),
          time: NOON + (BigInt(value) * DAY) / 100n,
        }));
        await write(store, sent);
        expect(await store.delete({ ...all(namespace), tsMin: NOON + 5n * DAY })).to.equal(1500);
        await server.kill();
        await server.restart();
        expect(await valuesOf(store, namespace)).to.have.length(500);
      }
    } finally {
      await store.close();
      await server.stop();
    }
  });
});
