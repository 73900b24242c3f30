import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect } from 'chai';
import { DuckDBStore } from '../../lib/duckdb/store.js';
import { DELIVERY } from '../contract/subject.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { numberedPoints } from './numbered.js';

describe('A DuckDB file of the release before', () => {
  it('takes deliveries, and counts repeated ones once', async () => {
    const file = path.join(temporaryFolder('positions'), 'events.duckdb');
    const made = await DuckDBStore.open({ path: file });
    await made.write(numberedPoints(0, 10));
    await made.close();
    const instance = await DuckDBInstance.create(file);
    const connection = await instance.connect();
    await connection.run('DROP TABLE deliveries');
    connection.closeSync();
    instance.closeSync();

    const unnamed = numberedPoints(10, 10).map((point) => ({ ...point, identity: { kind: 'none' as const } }));
    for (let restart = 0; restart < 2; restart++) {
      const store = await DuckDBStore.open({ path: file });
      await store.write(unnamed, DELIVERY);
      let count = 0;
      for await (const some of store.points({})) count += some.length;
      expect(count).to.equal(20);
      await store.close();
    }
  });
});
