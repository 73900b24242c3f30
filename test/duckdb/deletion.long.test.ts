import { statSync } from 'node:fs';
import path from 'node:path';
import { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { expect } from 'chai';
import { DuckDBStore } from '../../lib/duckdb/store.js';
import { type Point, seriesOf } from '../../lib/event.js';
import { SECOND } from '../../lib/time.js';
import { failureOf } from '../failure.js';
import { temporaryFolder } from '../servers/lifetime.js';

const SELECTION = { namespace: 'Deleted', name: 'x', tags: {} };

function newFile(): string {
  return path.join(temporaryFolder('deletion'), 'events.duckdb');
}

/** So many points of a hundred series, one a second; their values do not compress. */
function points(first: number, count: number): Point[] {
  return Array.from({ length: count }, (_, index) => ({
    series: seriesOf('Deleted', 'x', { host: String((first + index) % 100) }),
    time: BigInt(first + index) * SECOND,
    value: Math.random(),
    identity: { kind: 'none' },
  }));
}

async function write(store: DuckDBStore, first: number, count: number): Promise<void> {
  for (let start = 0; start < count; start += 20_000) {
    await store.write(points(first + start, Math.min(20_000, count - start)));
  }
}

describe('A deletion from a DuckDB file', () => {
  const run: DuckDBConnection['run'] = Reflect.get(DuckDBConnection.prototype, 'run');
  afterEach(() => {
    DuckDBConnection.prototype.run = run;
  });

  it('of more than one step counts them all, and one that fails between two leaves the others right', async function () {
    this.timeout(120_000);
    const store = await DuckDBStore.open({ path: newFile() });
    const [all, kept] = [900_000, 1000];
    await write(store, 0, all);
    let commits = 0;
    DuckDBConnection.prototype.run = function (sql, ...rest) {
      if (sql.startsWith('COMMIT') && ++commits === 2) return Promise.reject(new Error('Failed to commit: disk full'));
      return run.call(this, sql, ...rest);
    };
    const selection = { ...SELECTION, tsMax: BigInt(all - kept) * SECOND };
    expect(await failureOf(store.delete(selection))).to.have.property('code', 'unavailable');
    DuckDBConnection.prototype.run = run;
    const left = await store.extent(SELECTION);
    const first = Number((left?.first ?? 0n) / SECOND);
    expect(first).to.be.within(1, all - kept - 1);
    expect(await store.delete(selection)).to.equal(all - kept - first);
    expect(await store.extent(SELECTION)).to.deep.equal({
      first: BigInt(all - kept) * SECOND,
      last: BigInt(all - 1) * SECOND,
    });
    await store.close();
  });

  it('of the oldest day every day keeps the file at its length', async function () {
    this.timeout(120_000);
    const file = newFile();
    const store = await DuckDBStore.open({ path: file, logLimit: '1MB' });
    const day = 40_000;
    const sizes: number[] = [];
    for (let today = 0; today < 30; today++) {
      await write(store, today * day, day);
      if (today >= 5) {
        const tsMax = BigInt((today - 4) * day) * SECOND;
        expect(await store.delete({ ...SELECTION, tsMax })).to.equal(day);
      }
      sizes.push(statSync(file).size);
    }
    expect(sizes.at(-1)).to.be.at.most(1.5 * (sizes[12] ?? 0));
    await store.close();
  });

  it('leaves series in the file that have points, and gives no id twice', async () => {
    const file = newFile();
    const idsIn = async (): Promise<unknown> => {
      const instance = await DuckDBInstance.create(file);
      const connection = await instance.connect();
      const rows = await (await connection.run('SELECT id FROM series ORDER BY id')).getRows();
      connection.closeSync();
      instance.closeSync();
      return rows.flat();
    };
    let store = await DuckDBStore.open({ path: file });
    await store.write(points(0, 4));
    expect(await store.delete({ ...SELECTION, tags: { host: ['1', '2'] } })).to.equal(2);
    await store.write(points(1, 1));
    await store.close();
    expect(await idsIn()).to.deep.equal([0, 3, 4]);
    store = await DuckDBStore.open({ path: file });
    await store.write(points(5, 1));
    expect(await store.delete({ ...SELECTION, tags: { host: ['0'] } })).to.equal(1);
    await store.close();
    expect(await idsIn()).to.deep.equal([3, 4, 5]);
  });
});
