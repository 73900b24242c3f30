import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { expect } from 'chai';
import fc from 'fast-check';
import { bindings } from '../../lib/duckdb/rows.js';
import { startsOf, windowSql } from '../../lib/duckdb/windows.js';
import { END_OF_TIME, MIN_TIME, type Nanoseconds, SECOND } from '../../lib/time.js';
import type { WindowRun } from '../../lib/window.js';

const YEAR = 31_536_000n * SECOND;

/** Runs one after the other, some with a gap before them. */
const runs: fc.Arbitrary<WindowRun[]> = fc
  .tuple(
    fc.bigInt({ min: MIN_TIME - YEAR, max: END_OF_TIME }),
    fc.array(
      fc.record({
        gap: fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: YEAR })),
        length: fc.oneof(fc.bigInt({ min: 1n, max: 5n }), fc.bigInt({ min: 1n, max: YEAR }), fc.constant(400n * YEAR)),
        count: fc.integer({ min: 1, max: 600 }),
      }),
      { minLength: 1, maxLength: 40 },
    ),
  )
  .map(([first, sketches]) => {
    let start = first;
    return sketches.map(({ gap, length, count }) => {
      const run = { start: start + gap, length, count };
      start = run.start + length * BigInt(count);
      return run;
    });
  });

/** The window of a time, run by run. */
function windowOf(all: readonly WindowRun[], time: Nanoseconds): Nanoseconds | undefined {
  const run = all.find(({ start, length, count }) => time >= start && time < start + length * BigInt(count));
  return run && run.start + ((time - run.start) / run.length) * run.length;
}

describe('SQL for windows', () => {
  let instance: DuckDBInstance;
  let connection: DuckDBConnection;
  before(async () => {
    instance = await DuckDBInstance.create();
    connection = await instance.connect();
  });
  after(() => {
    connection.closeSync();
    instance.closeSync();
  });

  it('puts each time into its window, and times outside all of them nowhere', async function () {
    this.timeout(60_000);
    const inRange = fc.bigInt({ min: MIN_TIME, max: END_OF_TIME - 1n });
    const near = fc.tuple(fc.nat(), fc.bigInt({ min: -3n, max: 3n }));
    await fc.assert(
      fc.asyncProperty(runs, fc.array(inRange), fc.array(near), async (all, far, close) => {
        const bounds = all.flatMap(({ start, length, count }) => [start, start + length * BigInt(count)]);
        const times = [
          ...far,
          ...close.map(([which, distance]) => (bounds[which % bounds.length] ?? 0n) + distance),
        ].filter((time) => time >= MIN_TIME && time < END_OF_TIME);
        expect(await windowsOf(connection, all, times)).to.deep.equal(
          [...new Set(times)]
            .flatMap((time) => {
              const start = windowOf(all, time);
              return start === undefined ? [] : [`${String(time)} ${String(start)}`];
            })
            .sort(),
        );
      }),
      { numRuns: 60 },
    );
  });
});

async function windowsOf(
  connection: DuckDBConnection,
  all: readonly WindowRun[],
  times: readonly Nanoseconds[],
): Promise<string[]> {
  const window = windowSql(all);
  if (window === undefined || times.length === 0) return [];
  const [values, types] = bindings({ ...window.lists, times });
  const sql = `
    SELECT time, ${window.index} FROM (SELECT DISTINCT unnest($times) AS time) AS points ${window.join}
    WHERE time >= ${String(window.from)} AND time < ${String(window.until)}`;
  const rows = (await connection.run(sql, values, types)).getRows();
  const startOf = startsOf(all);
  return (await rows).map(([time, index]) => `${String(time)} ${String(startOf(Number(index)))}`).sort();
}
