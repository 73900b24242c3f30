import { expect } from 'chai';
import type { Aggregation } from '../../lib/aggregation.js';
import { InfluxDBStore } from '../../lib/influxdb/store.js';
import { MILLISECOND } from '../../lib/time.js';
import { all, collect, freshNamespace, NOON, points, write } from '../contract/subject.js';
import { bucketForSuite } from '../servers/influxdb.js';

const SECOND = 1000n * MILLISECOND;
const VALUE = 50;
const WINDOWS = 10;
const QUESTIONS = 50;

describe('InfluxDB asked while events come in', () => {
  const access = bucketForSuite();
  let store: InfluxDBStore;

  before(() => {
    store = new InfluxDBStore(access());
  });

  after(() => store.close());

  /** Asks again and again beside writes of one value into all windows. @returns the values of all rows */
  async function askBesideWrites(
    hosts: number,
    windows: number,
    ...aggregations: Aggregation[]
  ): Promise<(readonly (number | null)[])[]> {
    const namespace = freshNamespace();
    const stop = new AbortController();
    const writing = (async () => {
      for (let round = 0; !stop.signal.aborted; round++) {
        // One host after the other, so that series begin while questions are asked.
        const host = String(round % Math.min(hosts, 1 + (round >> 3)));
        const within = BigInt((round * 7) % 1000) * MILLISECOND;
        await write(
          store,
          points(WINDOWS, (index) => ({
            namespace,
            value: VALUE,
            tags: { host },
            time: NOON + BigInt(index) * SECOND + within,
          })),
        );
      }
    })();
    const rows: (readonly (number | null)[])[] = [];
    try {
      const run = { start: NOON, length: (BigInt(WINDOWS) * SECOND) / BigInt(windows), count: windows };
      for (let asked = 0; asked < QUESTIONS || rows.length === 0; asked++) {
        const question = { selection: all(namespace), windows: [run], aggregations };
        for (const { values } of await collect(store.aggregate(question))) rows.push(values);
      }
    } finally {
      stop.abort();
      await writing;
    }
    return rows;
  }

  for (const hosts of [1, 7]) {
    for (const windows of [1, WINDOWS, 2000]) {
      it(`answers with averages of what is stored: ${hosts} series, ${windows} windows`, async () => {
        const rows = await askBesideWrites(hosts, windows, 'avg');
        expect(rows.filter(([average]) => average !== VALUE)).to.deep.equal([]);
      }).timeout('2m');
    }
  }

  it('shows no average outside the extremes beside it, and no window in part', async () => {
    const rows = await askBesideWrites(7, WINDOWS, 'avg', 'min', 'max', 'median', 'count', 'sum');
    expect(rows.filter((row) => row.slice(0, 4).some((value) => value !== VALUE))).to.deep.equal([]);
    expect(rows.filter((row) => row.includes(null))).to.deep.equal([]);
  }).timeout('2m');
});
