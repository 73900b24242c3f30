import path from 'node:path';
import { DuckDBConnection, type DuckDBResult } from '@duckdb/node-api';
import { expect } from 'chai';
import fc from 'fast-check';
import { PAGE_LENGTH } from '../../lib/duckdb/fingerprint.js';
import { HashSet } from '../../lib/duckdb/hash-set.js';
import { DuckDBStore } from '../../lib/duckdb/store.js';
import { identityOfId, type Point, seriesOf } from '../../lib/event.js';
import { MILLISECOND, SECOND } from '../../lib/time.js';
import { failureOf } from '../failure.js';
import { temporaryFolder } from '../servers/lifetime.js';

const RUNS = Math.min(500, Number(process.env.TRACKING_CASES ?? 30));

interface Sketch {
  readonly minute: number;
  readonly host: string;
  readonly id: number | undefined;
  readonly value: number;
}

// Two hours before and after 1970: fifty pages, so that most of them are forgotten where three fit.
const sketch: fc.Arbitrary<Sketch> = fc.record({
  minute: fc.integer({ min: -120, max: 120 }),
  host: fc.constantFrom('sampled', 'a', 'b'),
  id: fc.option(fc.nat(2), { nil: undefined }),
  value: fc.integer({ min: -9, max: 9 }),
});

function toPoint(namespace: string, { minute, host, id, value }: Sketch): Point {
  const time = BigInt(minute) * 60n * SECOND;
  const series = seriesOf(namespace, 'x', { host });
  if (host === 'sampled') return { series, time, value, identity: { kind: 'sample' } };
  return { series, time, value, identity: id === undefined ? { kind: 'none' } : identityOfId(String(id), time) };
}

/** What must be there, sorted. */
function expected(sketches: readonly Sketch[]): string[] {
  const known = new Map<string, string>();
  sketches.forEach(({ minute, host, id, value }, number) => {
    const line = `${String(minute)} ${host} ${String(value)}`;
    if (host === 'sampled') known.set(`${String(minute)} sampled`, line);
    else if (id === undefined) known.set(`#${String(number)}`, line);
    else
      known.set(
        `${String(minute)} ${host} ${String(id)}`,
        known.get(`${String(minute)} ${host} ${String(id)}`) ?? line,
      );
  });
  return [...known.values()].sort();
}

async function stored(store: DuckDBStore, namespace: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const { time, value, tags } of store.events({ selection: { namespace, name: 'x', tags: {} } })) {
    lines.push(`${String(time / (60n * SECOND))} ${String(tags.host)} ${String(value)}`);
  }
  return lines.sort();
}

describe('Identities in a DuckDB file', () => {
  it('are known for ever, although few are remembered at a time', async function () {
    this.timeout(60_000 + RUNS * 1000);
    const file = path.join(temporaryFolder('identity'), 'events.duckdb');
    const open = (): Promise<DuckDBStore> => DuckDBStore.open({ path: file, identitySlots: 256 });
    let store = await open();
    let cases = 0;
    const writes = fc.array(fc.tuple(fc.array(sketch, { maxLength: 60 }), fc.nat(5)), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(writes, async (batches) => {
        const namespace = `Case ${String(++cases)}`;
        for (const [batch, chance] of batches) {
          await store.write(batch.map((one) => toPoint(namespace, one)));
          if (chance > 0) continue;
          await store.close();
          store = await open();
        }
        const all = batches.flatMap(([batch]) => batch);
        expect(await stored(store, namespace)).to.deep.equal(expected(all));
      }),
      { numRuns: RUNS },
    );
    await store.close();
  });

  it('of events that another store moved within their millisecond are theirs, wherever pages end', async function () {
    this.timeout(60_000 + RUNS * 1000);
    const file = path.join(temporaryFolder('identity'), 'events.duckdb');
    const open = (): Promise<DuckDBStore> => DuckDBStore.open({ path: file, identitySlots: 256 });
    let store = await open();
    let cases = 0;
    const moved = fc.record({
      page: fc.integer({ min: -3, max: 3 }),
      millisecond: fc.integer({ min: -2, max: 2 }),
      sent: fc.bigInt(0n, MILLISECOND - 1n),
      placed: fc.bigInt(0n, MILLISECOND - 1n),
      id: fc.constantFrom('a', 'b'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(moved, { minLength: 1, maxLength: 20 }), fc.boolean(), async (events, restart) => {
        const series = seriesOf(`Case ${String(++cases)}`, 'x');
        const start = ({ page, millisecond }: (typeof events)[0]): bigint =>
          BigInt(page) * PAGE_LENGTH + BigInt(millisecond) * MILLISECOND;
        const points = events.map((event, value): Point => {
          const time = start(event) + event.sent;
          return { series, time, value, identity: identityOfId(event.id, time) };
        });
        const elsewhere = points.map((point, index): Point => {
          const event = events[index];
          return event === undefined ? point : { ...point, time: start(event) + event.placed };
        });
        const first = new Map<bigint, number>();
        for (const { identity, value } of points) {
          if (identity.kind === 'id' && !first.has(identity.fingerprint)) first.set(identity.fingerprint, value);
        }
        await store.write(cases % 2 === 0 ? points : elsewhere);
        if (restart) {
          await store.close();
          store = await open();
        }
        await store.write(points);
        await store.write(elsewhere.toReversed());
        const values: number[] = [];
        for await (const { value } of store.events({ selection: { ...series, tags: {} } })) values.push(value);
        expect(values.sort((one, other) => one - other)).to.deep.equal([...first.values()]);
      }),
      { numRuns: RUNS },
    );
    await store.close();
  });

  it('of ten thousand old events, scattered over half a year and sent again after a restart, count once', async function () {
    this.timeout(60_000);
    const file = path.join(temporaryFolder('identity'), 'events.duckdb');
    const points = Array.from({ length: 10_000 }, (_, number): Point => {
      const time = BigInt((number * 7919) % 15_552_000) * SECOND;
      return { series: seriesOf('Old', 'x'), time, value: number, identity: identityOfId(String(number), time) };
    });
    for (let restart = 0; restart < 2; restart++) {
      const store = await DuckDBStore.open({ path: file });
      await store.write(points);
      await store.write(points.toReversed());
      let count = 0;
      for await (const _ of store.events({ selection: { namespace: 'Old', name: 'x', tags: {} } })) count++;
      expect(count).to.equal(10_000);
      await store.close();
    }
  });
});

describe('A page of identities that could be read only in part', () => {
  type Stream = (this: DuckDBConnection, sql: string, ...rest: unknown[]) => Promise<DuckDBResult>;
  const stream = Reflect.get(DuckDBConnection.prototype, 'stream') as Stream;
  afterEach(() => {
    DuckDBConnection.prototype.stream = stream;
  });

  /** Lets identities be read up to their second chunk. */
  function failHalfway(): void {
    DuckDBConnection.prototype.stream = async function (sql, ...rest): Promise<DuckDBResult> {
      const result = await stream.call(this, sql, ...rest);
      if (!sql.includes('time, series, fingerprint')) return result;
      const fetchChunk = result.fetchChunk.bind(result);
      let chunks = 0;
      result.fetchChunk = () => (++chunks > 1 ? Promise.reject(new Error('Out of Memory Error')) : fetchChunk());
      return result;
    };
  }

  it('does not pass for a whole one: what is sent again counts once', async () => {
    const file = path.join(temporaryFolder('identity'), 'events.duckdb');
    const points = Array.from({ length: 10_000 }, (_, number): Point => {
      const time = BigInt(number % 100) * SECOND;
      return { series: seriesOf('Half', 'x'), time, value: number, identity: identityOfId(String(number), time) };
    });
    let store = await DuckDBStore.open({ path: file });
    await store.write(points);
    await store.close();
    store = await DuckDBStore.open({ path: file });
    failHalfway();
    expect(await failureOf(store.write(points.slice(0, 1)))).to.have.property('code', 'unavailable');
    DuckDBConnection.prototype.stream = stream;
    await store.write(points);
    let count = 0;
    for await (const _ of store.events({ selection: { namespace: 'Half', name: 'x', tags: {} } })) count++;
    expect(count).to.equal(10_000);
    await store.close();
  });
});

describe('A set of hashes', () => {
  it('holds what was added, zero and negative numbers included', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })), (hashes) => {
        const set = new HashSet();
        const seen = new Set<number>();
        for (const hash of [0, ...hashes, -1]) {
          // 0 and 1 share an entry.
          const entry = hash === 0 ? 1 : hash;
          expect(set.add(hash)).to.equal(!seen.has(entry));
          seen.add(entry);
        }
      }),
    );
  });
});
