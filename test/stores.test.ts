import path from 'node:path';
import { DuckDBStore } from '../lib/duckdb/store.js';
import { temporaryFolder } from './servers/lifetime.js';
import { storeContract } from './store.contract.js';

storeContract({
  name: 'DuckDB',
  create: () => {
    const file = path.join(temporaryFolder('duckdb'), 'events.duckdb');
    return Promise.resolve(() => DuckDBStore.open({ path: file }));
  },
});
