import { DuckDBInstance } from '@duckdb/node-api';
import { expect } from 'chai';
import { abortable } from '../../lib/abortable.js';
import { Readers } from '../../lib/duckdb/readers.js';
import { collect } from '../contract/subject.js';

describe('Reading from DuckDB', () => {
  it('is not ended by somebody else who had all of an answer and goes away', async () => {
    const instance = await DuckDBInstance.create(':memory:');
    const readers = new Readers(instance, 1);
    const short = { sql: 'SELECT range FROM range(10000)', lists: {} };
    const long = { sql: 'SELECT count(*) FROM range(30000) a, range(30000) b WHERE a.range <> b.range', lists: {} };
    const leaving = abortable((signal) => readers.stream(short, signal));
    await leaving.next();
    const staying = collect(readers.stream(long));
    // Time to begin.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await leaving.return?.();
    expect(await staying).to.deep.equal([[[899_970_000n]]]);
    await readers.close(0);
    instance.closeSync();
  });
});
