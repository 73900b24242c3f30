import { expect } from 'chai';
import { TrackingError } from '../../lib/errors.js';
import type { Store } from '../../lib/store.js';
import {
  all,
  collect,
  expectUnavailable,
  NOON,
  oneWindow,
  point,
  points,
  type Subject,
  valuesOf,
  write,
} from './subject.js';

const namespace = 'Life';
const windows = [oneWindow({ first: NOON, last: NOON })];

const METHODS: Readonly<Record<Exclude<keyof Store, 'close'>, (store: Store) => Promise<unknown>>> = {
  write: (store) => store.write([point({ namespace })]),
  extent: (store) => store.extent(all(namespace)),
  aggregate: (store) => collect(store.aggregate({ selection: all(namespace), windows, aggregations: ['avg'] })),
  latest: (store) => collect(store.latest(all(namespace), 'host')),
  events: (store) => collect(store.events({ selection: all(namespace) })),
  delete: (store) => store.delete(all('Nothing')),
  points: (store) => collect(store.points({})),
  namespaces: (store) => store.namespaces(),
  names: (store) => store.names(namespace),
  check: (store) => store.check(),
};

/** Every operation on a store that is open, closing and closed. */
export function lifecycle(subject: Subject): void {
  describe('life', () => {
    let open: () => Promise<Store>;
    let store: Store;

    beforeEach('an open store', async () => {
      open = await subject.create();
      store = await open();
      await write(store, [point({ namespace })]);
    });
    afterEach(() => store.close());

    it('answers every method while open', async () => {
      for (const call of Object.values(METHODS)) await call(store);
    });

    it('takes a write of nothing', async () => {
      await write(store, []);
      expect(await valuesOf(store, namespace)).to.deep.equal([1]);
    });

    for (const [method, call] of Object.entries(METHODS)) {
      it(`refuses ${method} once closed`, async () => {
        await store.close();
        await expectUnavailable(() => call(store));
      });

      it(`finishes or refuses ${method} when it is closed meanwhile`, async () => {
        const answer = call(store).then(
          () => 'finished',
          (error: unknown) => error,
        );
        await store.close();
        const outcome = await answer;
        if (outcome === 'finished') return;
        expect(outcome).to.be.instanceOf(TrackingError).with.property('code', 'unavailable');
      });

      it(`refuses ${method} while closing, or finishes it`, async () => {
        const closing = store.close();
        const outcome = await call(store).then(
          () => 'finished',
          (error: unknown) => error,
        );
        await closing;
        if (outcome !== 'finished') expect(outcome).to.have.property('code', 'unavailable');
      });
    }

    it('may be closed twice, also at the same time', async () => {
      await Promise.all([store.close(), store.close()]);
      await store.close();
    });

    it('keeps what it was writing when it was closed, if it said so', async () => {
      const written = store.write(points(1000, () => ({ namespace: 'Late' }))).then(
        () => 1000,
        () => undefined,
      );
      await store.close();
      const promised = await written;
      store = await open();
      const kept = (await valuesOf(store, 'Late')).length;
      if (promised !== undefined) expect(kept).to.equal(promised);
    });

    it('is closed while somebody reads, who is told', async () => {
      await write(
        store,
        points(50_000, () => ({ namespace: 'Long' })),
      );
      const reader = store.events({ selection: all('Long') })[Symbol.asyncIterator]();
      await reader.next();
      await store.close();
      const outcome = await drain(reader);
      if (outcome !== undefined) {
        expect(outcome).to.be.instanceOf(TrackingError).with.property('code', 'unavailable');
      }
    }).timeout('1m');

    it('holds after a restart what it held before', async () => {
      await write(
        store,
        points(10, (value) => ({ namespace: 'Kept', value })),
      );
      await store.close();
      store = await open();
      expect(await valuesOf(store, 'Kept')).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });
  });
}

/** Reads on to the end, and resolves to what it ended with: nothing, or an error. */
async function drain(reader: AsyncIterator<unknown>): Promise<unknown> {
  try {
    while ((await reader.next()).done !== true);
    return undefined;
  } catch (error) {
    return error;
  }
}
