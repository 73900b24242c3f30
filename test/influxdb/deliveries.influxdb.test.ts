import { expect } from 'chai';
import fc from 'fast-check';
import { TrackingError } from '../../lib/errors.js';
import type { Point } from '../../lib/event.js';
import { InfluxDBStore } from '../../lib/influxdb/store.js';
import type { Delivery, Store } from '../../lib/store.js';
import { MILLISECOND } from '../../lib/time.js';
import { inNamespace, storeCase } from '../arbitraries.js';
import {
  aggregatesOf,
  all,
  CASES,
  collect,
  DELIVERY,
  freshNamespace,
  NOON,
  points,
  PROPERTY_TIMEOUT,
  shown,
  valuesOf,
  write,
} from '../contract/subject.js';
import { ReferenceStore } from '../reference.js';
import { bucketForSuite } from '../servers/influxdb.js';
import { Proxy } from './proxy.js';

const HOUR = 3_600_000n * MILLISECOND;

/** How a process dies while it writes a delivery. */
interface Death {
  /** At which record, or at which request to write. */
  readonly at: number;
  readonly cause: 'nothing was recorded' | 'recorded' | 'stored in part' | 'stored, unanswered';
}

describe('A delivery that is repeated to InfluxDB', () => {
  const access = bucketForSuite();
  const opened: { close: () => Promise<void> }[] = [];
  let death: Death | undefined;
  let writes = 0;
  let proxy: Proxy;

  before(async () => {
    proxy = await Proxy.before(access(), ({ path, body }) => {
      if (path !== '/api/v2/write' || ++writes !== death?.at) return undefined;
      const lines = body.split('\n');
      if (death.cause === 'stored in part') {
        return { body: lines.filter((_, index) => index % 2 === 0).join('\n'), answer: 401 };
      }
      return death.cause === 'stored, unanswered' ? { body, answer: 401 } : undefined;
    });
    opened.push(proxy);
  });

  after(async () => {
    for (const one of opened.reverse()) await one.close();
  });

  function open(): InfluxDBStore {
    const store = new InfluxDBStore(proxy.access);
    opened.push(store);
    return store;
  }

  /** Writes points in a process that dies of it, if it comes so far; then in its successor. */
  async function writeTwice(sent: readonly Point[], dying: Death): Promise<InfluxDBStore> {
    let recorded: Uint8Array | undefined;
    let records = 0;
    const delivery = (): Delivery => ({
      ...DELIVERY,
      ...(recorded && { recorded }),
      record: (plan) => {
        records++;
        if (death?.cause === 'nothing was recorded' && records === death.at) return Promise.reject(killed());
        recorded = Uint8Array.from(plan);
        return death?.cause === 'recorded' && records === death.at ? Promise.reject(killed()) : Promise.resolve();
      },
    });
    death = dying;
    writes = 0;
    await open()
      .write(sent, delivery())
      .catch((error: unknown) => {
        expect(error).to.have.property('code', 'unavailable');
      });
    death = undefined;
    const successor = open();
    expect(await successor.write(sent, delivery())).to.deep.equal([]);
    return successor;
  }

  function killed(): TrackingError {
    return new TrackingError('unavailable', 'Killed.');
  }

  /** Of so many series that they are placed part by part. */
  function scattered(namespace: string): Point[] {
    return points(400, (index) => ({
      namespace,
      tags: { host: String(index % 150) },
      time: NOON + BigInt(index % 3) * HOUR,
      value: index,
      ...(index % 2 === 0 ? {} : { id: String(index) }),
    }));
  }

  const deaths = [1, 2, 3].flatMap((at) =>
    (['nothing was recorded', 'recorded', 'stored in part', 'stored, unanswered'] as const).map((cause): Death => ({
      at,
      cause,
    })),
  );

  for (const dying of deaths) {
    it(`counts once when it died at part ${String(dying.at)}: ${dying.cause}`, async () => {
      const namespace = freshNamespace();
      const sent = scattered(namespace);
      await write(open(), sent.slice(0, 30));
      const unnamed = sent.slice(0, 30).filter(({ identity }) => identity.kind === 'none').length;
      const store = await writeTwice(sent, dying);
      expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([400 + unnamed]);
      expect(new Set(await valuesOf(store, namespace)).size).to.equal(400);
    });
  }

  for (const at of [1, 2, 3]) {
    for (const cause of ['stored in part', 'stored, unanswered'] as const) {
      it(`counts once when it died at one of the requests that left side by side: number ${at}, ${cause}`, async () => {
        const namespace = freshNamespace();
        const sent = points(9000, (index) => ({ namespace, tags: { host: String(index % 7) }, value: index }));
        const store = await writeTwice(sent, { at, cause });
        expect(writes).to.equal(3 + 3);
        expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([9000]);
        expect(new Set(await valuesOf(store, namespace)).size).to.equal(9000);
      });
    }
  }

  it('knows nothing any more of a partition that another instance had in between', async () => {
    const namespace = freshNamespace();
    const [one, other] = [open(), open()];
    const time = BigInt(Date.now()) * MILLISECOND;
    const handOver = async (store: InfluxDBStore, tenure: string, from: number): Promise<void> => {
      const delivery = { ...DELIVERY, tenure, sequence: from + 1 };
      expect(
        await store.write(
          points(5, (index) => ({ namespace, time, value: from + index })),
          delivery,
        ),
      ).to.deep.equal([]);
    };
    await handOver(one, 'first', 0);
    await handOver(other, 'second', 5);
    await handOver(one, 'third', 10);
    expect(await aggregatesOf(one, all(namespace), 'count')).to.deep.equal([15]);

    const named = points(1, () => ({ namespace: `${namespace}-ids`, time, id: 'a' }));
    const write = (store: InfluxDBStore, tenure: string, sequence: number): Promise<unknown> =>
      store.write(named, { ...DELIVERY, tenure, sequence });
    await write(one, 'third', 20);
    await write(other, 'fourth', 21);
    expect(await other.delete(all(`${namespace}-ids`))).to.equal(1);
    await write(one, 'fifth', 22);
    expect(await aggregatesOf(one, all(`${namespace}-ids`), 'count')).to.deep.equal([1]);
  });

  it('leaves room for what comes after it in the same milliseconds, in the past and in the time to come', async () => {
    const namespace = freshNamespace();
    const times = [NOON, BigInt(Date.now() + 7_200_000) * MILLISECOND];
    const some = (from: number): Point[] =>
      times.flatMap((time) => points(100, (index) => ({ namespace, time, value: from + index })));
    const store = await writeTwice(some(0), { at: 1, cause: 'recorded' });
    await write(store, some(1000));
    expect(await aggregatesOf(store, all(namespace), 'count')).to.deep.equal([400]);
    expect(new Set(await valuesOf(store, namespace)).size).to.equal(200);
  });

  it('sends nothing where the plan cannot be recorded, and relies on nothing that it had placed', async () => {
    const [namespace, store] = [freshNamespace(), open()];
    const sent = points(10, (index) => ({ namespace, id: String(index), value: index }));
    const delivery = { ...DELIVERY, record: () => Promise.reject(killed()) };
    const error: unknown = await store.write(sent, delivery).catch((failure: unknown) => failure);
    expect(error).to.have.property('message', 'Killed.');
    expect(await store.extent(all(namespace))).to.equal(undefined);
    await write(store, sent);
    expect(await valuesOf(store, namespace)).to.deep.equal(sent.map(({ value }) => value));
  });

  it('leaves what the reference leaves, whatever is delivered and whenever it dies', async function () {
    this.timeout(PROPERTY_TIMEOUT);
    const cause = fc.constantFrom(...deaths.map((one) => one.cause));
    await fc.assert(
      fc.asyncProperty(storeCase, fc.array(cause, { minLength: 4, maxLength: 4 }), async ({ writes }, causes) => {
        const [namespace, reference] = [freshNamespace(), new ReferenceStore()];
        let store: Store = open();
        for (const [index, sent] of inNamespace(namespace, writes).entries()) {
          await reference.write(sent);
          store = await writeTwice(sent, { at: 1, cause: causes[index] ?? 'recorded' });
        }
        for (const name of ['cpu', 'Cpu']) {
          const listed = async (asked: Store): Promise<string[]> =>
            (await collect(asked.events({ selection: all(namespace, name) }))).map(shown).sort();
          expect(await listed(store), name).to.deep.equal(await listed(reference));
        }
      }),
      { numRuns: Math.ceil(CASES / 4) },
    );
  });
});
