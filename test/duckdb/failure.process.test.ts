import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { DuckDBConnection, DuckDBInstance, type DuckDBMaterializedResult } from '@duckdb/node-api';
import { expect } from 'chai';
import { DuckDBStore } from '../../lib/duckdb/store.js';
import { TrackingError } from '../../lib/errors.js';
import { type Point, seriesOf } from '../../lib/event.js';
import { MILLISECOND } from '../../lib/time.js';
import { DELIVERY } from '../contract/subject.js';
import { failureOf } from '../failure.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { WritingProcess } from './child.js';
import { numberedPoints } from './numbered.js';

const NUMBERS = { namespace: 'Numbers', name: 'n', tags: {} };

function newFile(): string {
  return path.join(temporaryFolder('failure'), 'events.duckdb');
}

async function write(file: string, first: number, count: number): Promise<void> {
  const store = await DuckDBStore.open({ path: file });
  await store.write(numberedPoints(first, count));
  await store.close();
}

async function countIn(store: DuckDBStore): Promise<number> {
  let count = 0;
  for await (const _ of store.events({ selection: NUMBERS })) count++;
  return count;
}

/** Puts other bytes into a file. */
function overwrite(file: string, place: number, length: number): void {
  const handle = openSync(file, 'r+');
  writeSync(handle, Buffer.alloc(length, 0xa7), 0, length, place);
  closeSync(handle);
}

describe('A full disk', () => {
  it('refuses writes while the log grows, loses nothing, and takes them again once there is room', async function () {
    this.timeout(60_000);
    const file = newFile();
    const child = new WritingProcess(file, 0, 5000, { fileLimit: 2_000 });
    await child.end();
    expect(child.lines.some((line) => line.startsWith('refused The disk of the database is full'))).to.equal(true);
    expect(child.lines)
      .to.include('is The disk of the database is full. Free some room on it.')
      .and.not.include('is ready');
    expect(child.lines.at(-1)).to.equal(`reads ${String(child.acknowledged - 1)}000000`);
    const store = await DuckDBStore.open({ path: file });
    await store.write(numberedPoints(child.acknowledged, 10));
    expect(await countIn(store)).to.equal(child.acknowledged + 10);
    await store.close();
  });

  it('at a checkpoint loses nothing, and the store goes on answering', async function () {
    this.timeout(120_000);
    const file = newFile();
    const before = new WritingProcess(file, 0, 50_000, { end: 150_000 });
    await before.end();
    // The log fits, and what a checkpoint would add to the file does not.
    const limit = Math.ceil(statSync(file).size / 1024) + 100;
    expect(limit).to.be.greaterThan(1_200);
    const child = new WritingProcess(file, before.acknowledged, 5000, { fileLimit: limit, logLimit: '1MB' });
    await child.end();
    expect(child.acknowledged).to.be.greaterThan(before.acknowledged);
    expect(statSync(`${file}.wal`).size, 'a log that no checkpoint could move').to.be.greaterThan(1_100_000);
    expect(child.lines.at(-1)).to.equal(`reads ${String(child.acknowledged - 1)}000000`);
    const store = await DuckDBStore.open({ path: file });
    expect(await countIn(store)).to.equal(child.acknowledged);
    await store.close();
  });
});

describe('An instance that dies', () => {
  type Run = (this: DuckDBConnection, sql: string, ...rest: unknown[]) => Promise<DuckDBMaterializedResult>;
  const run = Reflect.get(DuckDBConnection.prototype, 'run') as Run;
  afterEach(() => {
    DuckDBConnection.prototype.run = run;
  });

  /** Lets the next COMMIT be done, and then fail with this message. */
  function failAfterCommit(message: string): void {
    DuckDBConnection.prototype.run = async function (sql, ...rest): Promise<DuckDBMaterializedResult> {
      const result = await run.call(this, sql, ...rest);
      if (!sql.startsWith('COMMIT')) return result;
      DuckDBConnection.prototype.run = run;
      throw new Error(message);
    };
  }

  /** Lets the next COMMIT fail as on a full disk. */
  function failInsteadOfCommit(): void {
    DuckDBConnection.prototype.run = function (sql, ...rest) {
      if (!sql.startsWith('COMMIT')) return run.call(this, sql, ...rest);
      DuckDBConnection.prototype.run = run;
      return Promise.reject(new Error('Failed to commit: Could not write file: No space left on device'));
    };
  }

  it('after a commit that is durable has answered well, and is opened anew', async () => {
    const store = await DuckDBStore.open({ path: newFile() });
    await store.write(numberedPoints(0, 10));
    failAfterCommit('FATAL Error: Transaction COMMIT succeeded and is durable, but the autocheckpoint failed. Full.');
    await store.write(numberedPoints(10, 10));
    expect(await countIn(store)).to.equal(20);
    await store.write(numberedPoints(0, 30));
    expect(await countIn(store)).to.equal(30);
    await store.close();
  });

  it('is looked at anew where a commit is done and what follows it failed', async () => {
    const store = await DuckDBStore.open({ path: newFile() });
    failAfterCommit('Out of Memory Error: no transaction can begin');
    expect(await failureOf(store.write(numberedPoints(0, 10)))).to.have.property('code', 'unavailable');
    expect(await countIn(store)).to.equal(10);
    await store.write(numberedPoints(0, 20));
    const other = seriesOf('Numbers', 'other');
    await store.write([{ series: other, time: 0n, value: 1, identity: { kind: 'none' } }]);
    expect(await countIn(store)).to.equal(20);
    expect((await store.names('Numbers')).map(({ name }) => name)).to.deep.equal(['n', 'other']);
    await store.close();
  });

  it('in the middle of a deletion goes on with the next step', async () => {
    const store = await DuckDBStore.open({ path: newFile() });
    await store.write(numberedPoints(0, 10));
    failAfterCommit('FATAL Error: Transaction COMMIT succeeded and is durable, but the autocheckpoint failed. Full.');
    expect(await store.delete({ ...NUMBERS, tsMax: 4n * MILLISECOND })).to.equal(4);
    expect(await countIn(store)).to.equal(6);
    await store.close();
  });

  it('in a delivery takes it again where it is not there, and passes over it where it is', async () => {
    const store = await DuckDBStore.open({ path: newFile() });
    const unnamed: Point[] = numberedPoints(0, 10).map((point) => ({ ...point, identity: { kind: 'none' } }));
    failInsteadOfCommit();
    expect(await failureOf(store.write(unnamed, DELIVERY))).to.have.property('code', 'unavailable');
    failAfterCommit('FATAL Error: database has been invalidated');
    expect(await failureOf(store.write(unnamed, DELIVERY))).to.have.property('code', 'unavailable');
    await store.write(unnamed, DELIVERY);
    expect(await countIn(store)).to.equal(10);
    await store.close();
  });

  it('in a commit refuses it, is opened anew, and counts once what is sent again', async () => {
    const store = await DuckDBStore.open({ path: newFile() });
    failAfterCommit('FATAL Error: database has been invalidated');
    expect(await failureOf(store.write(numberedPoints(0, 10)))).to.have.property('code', 'unavailable');
    await store.check();
    await store.write(numberedPoints(0, 20));
    expect(await countIn(store)).to.equal(20);
    await store.close();
  });

  it('is opened anew as soon as the file can be, and says why it cannot until then', async () => {
    const file = newFile();
    const store = await DuckDBStore.open({ path: file });
    await store.write(numberedPoints(0, 10));
    failAfterCommit('FATAL Error: database has been invalidated');
    await store.write(numberedPoints(10, 10)).catch(() => undefined);
    // The instance still has the file: it is only its name that is missing when the store looks for it.
    renameSync(file, `${file}.away`);
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(await failureOf(store.check())).to.have.property('code', 'unavailable');
    }
    renameSync(`${file}.away`, file);
    await store.check();
    expect(await countIn(store)).to.equal(20);
    await store.close();
  });

  it('in a write leaves nothing of it, in the file or in memory', async () => {
    const store = await DuckDBStore.open({ path: newFile() });
    failInsteadOfCommit();
    expect(await failureOf(store.write(numberedPoints(0, 10)))).to.have.property('code', 'unavailable');
    expect(await store.namespaces()).to.deep.equal([]);
    expect(await countIn(store)).to.equal(0);
    await store.write(numberedPoints(0, 10));
    expect(await countIn(store)).to.equal(10);
    await store.close();
  });
});

describe('A file that cannot be opened', () => {
  async function refusal(file: string, what?: string): Promise<string> {
    const outcome = await DuckDBStore.open({ path: file }).catch((error: unknown) => error);
    expect(outcome, what).to.be.instanceOf(TrackingError).with.property('code', 'unavailable');
    return (outcome as TrackingError).message;
  }

  it('is refused and left alone where it is not a database', async () => {
    const file = newFile();
    writeFileSync(file, 'no database '.repeat(1000));
    expect(await refusal(file)).to.match(/is damaged: .*Put back a copy/s);
    expect(statSync(file).size).to.equal(12_000);
  });

  it('is refused where it is empty', async () => {
    const file = newFile();
    writeFileSync(file, '');
    expect(await refusal(file)).to.contain('is damaged');
  });

  it('is refused and left alone where something is overwritten that it needs', async function () {
    this.timeout(60_000);
    const file = newFile();
    await write(file, 0, 10_000);
    const { size } = statSync(file);
    let refused = 0;
    for (let place = 0; place < size; place += place < 12_288 ? 4096 : 32_768) {
      const damaged = newFile();
      copyFileSync(file, damaged);
      overwrite(damaged, place, 512);
      const before = readFileSync(damaged);
      const store = await DuckDBStore.open({ path: damaged }).catch((error: unknown) => error);
      if (store instanceof DuckDBStore) {
        // Room that nothing uses.
        expect(await countIn(store), `at ${String(place)}`).to.equal(10_000);
        await store.close();
      } else {
        refused++;
        expect((store as TrackingError).message).to.match(/is damaged: .*\. Nothing was changed\. Put back/s);
        expect(readFileSync(damaged).equals(before), `unchanged at ${String(place)}`).to.equal(true);
      }
    }
    expect(refused).to.be.at.least(5);
  });

  it('is refused where its end is missing', async () => {
    const file = newFile();
    await write(file, 0, 10_000);
    truncateSync(file, statSync(file).size - 4096);
    expect(await refusal(file)).to.contain('is damaged');
  });

  it('is refused where its log is damaged before its last commit, and left alone', async () => {
    const file = newFile();
    await write(file, 0, 10);
    const child = new WritingProcess(file, 10, 10);
    while (child.acknowledged < 60) await child.started();
    await child.kill();
    const log = readFileSync(`${file}.wal`);
    // The header, its version, the length of the first entry, and all over what follows.
    for (const place of [0, 4, 8, 10, 24, ...[0.1, 0.3, 0.5, 0.7].map((part) => Math.floor(log.length * part))]) {
      const damaged = newFile();
      copyFileSync(file, damaged);
      copyFileSync(`${file}.wal`, `${damaged}.wal`);
      overwrite(`${damaged}.wal`, place, 3);
      const said = await refusal(damaged, `at ${String(place)}`);
      expect(said).to.match(/is damaged: .*\. Nothing was changed\. Put back/s);
      expect(statSync(`${damaged}.wal`).size, `unchanged at ${String(place)}`).to.equal(log.length);
    }
  });

  it('is opened where its process died in the middle of its last entry', async () => {
    const file = newFile();
    await write(file, 0, 10);
    const child = new WritingProcess(file, 10, 10);
    await child.started();
    await child.kill();
    truncateSync(`${file}.wal`, statSync(`${file}.wal`).size - 5);
    const store = await DuckDBStore.open({ path: file });
    expect(await countIn(store)).to.be.within(child.acknowledged - 10, child.acknowledged);
    await store.close();
  });

  it('is not made anew where only its log is there', async () => {
    const file = newFile();
    await write(file, 0, 10);
    const child = new WritingProcess(file, 10, 10);
    await child.started();
    await child.kill();
    expect(existsSync(`${file}.wal`)).to.equal(true);
    renameSync(file, `${file}.away`);
    expect(await refusal(file)).to.contain('only its .wal file is there');
    expect(existsSync(`${file}.wal`)).to.equal(true);
    copyFileSync(`${file}.away`, file);
    const store = await DuckDBStore.open({ path: file });
    expect(await countIn(store)).to.be.within(child.acknowledged, child.acknowledged + 10);
    await store.close();
  });

  it('is refused where another process or this one has it open', async () => {
    const file = newFile();
    const child = new WritingProcess(file, 0, 10);
    await child.started();
    expect(await refusal(file)).to.match(/^Another process \(\d+\) has .* open\. Stop it/);
    await child.kill();
    const store = await DuckDBStore.open({ path: file });
    expect(await refusal(file)).to.contain('is open in this process already');
    await store.close();
    await (await DuckDBStore.open({ path: file })).close();
  });

  it("is refused where it is somebody else's database, or of another release", async () => {
    const file = newFile();
    const query = async (sql: string): Promise<void> => {
      const instance = await DuckDBInstance.create(file);
      const connection = await instance.connect();
      await connection.run(sql);
      connection.closeSync();
      instance.closeSync();
    };
    await query('CREATE TABLE sales (amount DOUBLE)');
    expect(await refusal(file)).to.contain('not one of ours');
    await query('CREATE TABLE tracking AS SELECT 99 AS version');
    expect(await refusal(file)).to.contain('another release');
  });
});
