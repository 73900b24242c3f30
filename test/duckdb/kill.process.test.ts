import path from 'node:path';
import { expect } from 'chai';
import { DuckDBStore } from '../../lib/duckdb/store.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { WritingProcess } from './child.js';
import { numberedPoints } from './numbered.js';

const KILLS = Number(process.env.TRACKING_KILLS ?? 4);

describe('A DuckDB file whose process is killed', () => {
  it('holds every acknowledged event exactly once, although what was not acknowledged is sent again', async function () {
    this.timeout(20_000 + KILLS * 10_000);
    const file = path.join(temporaryFolder('killed'), 'events.duckdb');
    let acknowledged = 0;
    let stored: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const size = [1, 40, 700][kill % 3] ?? 1;
      const child = new WritingProcess(file, acknowledged, size);
      await child.started();
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 300));
      await child.kill();
      expect(child.acknowledged, child.lines.join('\n')).to.be.greaterThan(acknowledged);
      ({ acknowledged } = child);
      // Its last write may be there without an answer, and so may that of the process before.
      const most = Math.max(acknowledged + size, stored.length);
      stored = await numbersIn(file);
      expect(stored.length, 'stored').to.be.within(acknowledged, most);
      expect(stored).to.deep.equal(numberedPoints(0, stored.length).map(({ value }) => value));
    }
  });
});

/** The values stored, in order of time. */
async function numbersIn(file: string): Promise<number[]> {
  const store = await DuckDBStore.open({ path: file });
  const values: number[] = [];
  for await (const { value } of store.events({ selection: { namespace: 'Numbers', name: 'n', tags: {} } })) {
    values.push(value);
  }
  await store.close();
  return values;
}
