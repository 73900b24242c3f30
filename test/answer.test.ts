import { expect } from 'chai';
import fc from 'fast-check';
import type { AggregationQuery } from '../lib/aggregation.js';
import { type Row, answer } from '../lib/answer.js';
import { type Point, seriesOf } from '../lib/event.js';
import { MILLISECOND, SECOND } from '../lib/time.js';
import { collect } from './contract/subject.js';
import { ReferenceStore } from './reference.js';

const question: AggregationQuery = {
  selection: { namespace: 'a', name: 'b', tags: {} },
  granularity: 'minute',
  aggregations: ['count', 'sum'],
  weekStart: 'monday',
  timezone: 'UTC',
  fill: 'none',
  limit: 10_000,
};

function point(time: bigint, value = 1, host?: string): Point {
  const series = seriesOf('a', 'b', host === undefined ? {} : { host });
  return { series, time, value, identity: { kind: 'none' } };
}

async function storeOf(points: readonly Point[]): Promise<ReferenceStore> {
  const store = new ReferenceStore();
  await store.write(points);
  return store;
}

async function rowsOf(store: ReferenceStore, query: AggregationQuery): Promise<Row[]> {
  const { rows } = await answer(store, query);
  return collect(rows);
}

/** All rows, page after page. */
async function pagesOf(store: ReferenceStore, query: AggregationQuery): Promise<Row[][]> {
  const pages: Row[][] = [];
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const page = await answer(store, { ...query, ...(cursor === undefined ? {} : { cursor }) });
    pages.push(await collect(page.rows));
    cursor = page.next;
  }
  return pages;
}

describe('an answer', () => {
  it('in pages has the rows of the answer in one, whatever the question', async () => {
    const time = fc.integer({ min: 0, max: 40 }).map((step) => BigInt(step) * 17n * SECOND);
    const points = fc.array(
      fc.tuple(time, fc.integer(), fc.constantFrom(undefined, 'x', 'y')).map((args) => point(...args)),
      { maxLength: 60 },
    );
    const query = fc.record({
      granularity: fc.constantFrom('none' as const, 'minute' as const, 'hour' as const, 'all' as const),
      fill: fc.constantFrom('none' as const, 'null' as const, 'zero' as const, 'previous' as const, 'linear' as const),
      grouped: fc.boolean(),
      limit: fc.integer({ min: 1, max: 7 }),
    });
    await fc.assert(
      fc.asyncProperty(points, query, async (stored, { grouped, limit, ...rest }) => {
        const store = await storeOf(stored);
        const groups = grouped && rest.granularity !== 'none' ? { groupBy: 'host' } : {};
        const whole = await rowsOf(store, { ...question, ...rest, ...groups });
        const pages = await pagesOf(store, { ...question, ...rest, ...groups, limit });
        expect(pages.flat()).to.deep.equal(whole);
        for (const page of pages.slice(0, -1)) expect(page).to.have.length(limit);
      }),
      { numRuns: 300 },
    );
  });

  it('that is streamed ends where the next page begins, even among events of one time', async () => {
    const store = await storeOf(Array.from({ length: 25_000 }, (_, index) => point(BigInt(index >> 14), index)));
    const pages = await pagesOf(store, { ...question, granularity: 'none', limit: 10_001 });
    expect(pages.map(({ length }) => length)).to.deep.equal([10_001, 10_001, 4998]);
    expect(new Set(pages.flat().map(({ values }) => values[0])).size).to.equal(25_000);
  });

  it('of one window is labelled with tsMin, else with the first event', async () => {
    const store = await storeOf([point(90n * SECOND + 5n), point(100n * SECOND)]);
    const label = async (selection: object): Promise<bigint | undefined> =>
      (await rowsOf(store, { ...question, granularity: 'all', selection: { ...question.selection, ...selection } }))[0]
        ?.time;
    expect(await label({ tsMin: 60n * SECOND })).to.equal(60n * SECOND);
    expect(await label({})).to.equal(90n * SECOND);
  });

  it('has whole windows at the edges of the range, with the events of the range alone', async () => {
    const store = await storeOf([point(0n), point(30n * SECOND), point(90n * SECOND), point(119n * SECOND)]);
    const selection = { ...question.selection, tsMin: 20n * SECOND, tsMax: 119n * SECOND };
    expect(await rowsOf(store, { ...question, selection })).to.deep.equal([
      { group: undefined, time: 0n, values: [1, 1] },
      { group: undefined, time: 60n * SECOND, values: [1, 1] },
    ]);
  });

  it('is empty for what nobody tracked, whatever the granularity', async () => {
    const store = await storeOf([]);
    for (const granularity of ['none', 'all', 'minute', 'week'] as const) {
      expect(await rowsOf(store, { ...question, granularity })).to.deep.equal([]);
    }
  });

  it('of more than 100,000 windows or 1,000 groups is refused, naming what would fit', async () => {
    const sparse = await storeOf([point(0n), point(100_001n * 60n * SECOND)]);
    expect(await failure(sparse, question)).to.contain('granularity=5m');
    const many = await storeOf(Array.from({ length: 1001 }, (_, index) => point(0n, 1, `host-${index}`)));
    expect(await failure(many, { ...question, groupBy: 'host' })).to.contain('more than 1000 groups');
  });

  it('is refused for a cursor of another question', async () => {
    const store = await storeOf([point(0n), point(60n * SECOND), point(120n * SECOND, 1, 'x')]);
    const { next = '' } = await answer(store, { ...question, limit: 1 });
    for (const cursor of ['', 'nonsense', Buffer.from('[]').toString('base64url'), next]) {
      expect(await failure(store, { ...question, granularity: 'none', cursor })).to.contain('cursor');
    }
  });

  it('lists events with their times to the nanosecond, for those who need them', async () => {
    const store = await storeOf([point(7n, 1, 'x'), point(MILLISECOND)]);
    expect(await rowsOf(store, { ...question, granularity: 'none' })).to.deep.equal([
      { group: undefined, time: 7n, values: [1], tags: { host: 'x' } },
      { group: undefined, time: MILLISECOND, values: [1], tags: {} },
    ]);
  });
});

async function failure(store: ReferenceStore, query: AggregationQuery): Promise<string> {
  try {
    await rowsOf(store, query);
  } catch (error) {
    return String(error);
  }
  throw new Error('was answered');
}
