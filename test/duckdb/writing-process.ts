import { writeSync } from 'node:fs';
import { DuckDBStore } from '../../lib/duckdb/store.js';
import { messageOf } from '../../lib/errors.js';
import { numberedPoints } from './numbered.js';

/**
 * Writes numbered points until it is killed or a write fails, and after each write says how many are acknowledged.
 * Arguments: the file, the number to begin with, the points in a write, the number to end with, and the log's limit.
 */
const [file = '', first = '0', size = '1', end = 'Infinity', logLimit = '16MB'] = process.argv.slice(2);

const store = await DuckDBStore.open({ path: file, logLimit });
let failures = 0;
for (let number = Number(first); number < Number(end) && failures < 5;) {
  try {
    await store.write(numberedPoints(number, Number(size)));
    number += Number(size);
    say(`acknowledged ${String(number)}`);
  } catch (error) {
    failures++;
    // The cause is what the service would log.
    say(`refused ${messageOf(error)} ${error instanceof Error ? messageOf(error.cause) : ''}`);
    const readiness = await store.check().then(() => 'ready', messageOf);
    say(`is ${readiness}`);
  }
}
const { last } = (await store.extent({ namespace: 'Numbers', name: 'n', tags: {} })) ?? { last: 0n };
say(`reads ${String(last)}`);
await store.close();

function say(line: string): void {
  writeSync(1, `${line}\n`);
}
