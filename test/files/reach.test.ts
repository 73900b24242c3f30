import { expect } from 'chai';
import { setTimeout } from 'node:timers/promises';
import { TrackingError } from '../../lib/errors.js';
import { lockDataDirectory } from '../../lib/files/lock.js';
import { type HolderConnection, reachDataDirectory } from '../../lib/files/reach.js';
import { temporaryDirectory } from './temporary.js';

describe('The holder of a data directory', function () {
  this.timeout(20_000);
  const directory = temporaryDirectory();
  const greeting = { greet: () => Promise.resolve('hello') };

  async function connect(): Promise<HolderConnection> {
    const reached = await reachDataDirectory(directory.path, 'greet');
    if ('lock' in reached) throw new Error('Nobody held it.');
    expect(reached.greeted).to.equal('hello');
    return reached.connection;
  }

  async function failureOf(work: () => Promise<unknown>): Promise<string> {
    return work().then(
      () => 'none',
      (error: unknown) => (error as Error).message,
    );
  }

  async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
    const items: unknown[] = [];
    for await (const item of stream) items.push(item);
    return items;
  }

  it('gives streams to the end, long items and all characters included', async () => {
    const items = ['a\nb\u2028', { long: 'é'.repeat(300_000) }, null, 5];
    const lock = await lockDataDirectory(directory.path);
    lock.serve(greeting, {
      some: async function* (count) {
        for (const item of items.slice(0, count as number)) yield await Promise.resolve(item);
      },
    });
    const connection = await connect();
    expect(await collect(connection.stream('some', 4))).to.deep.equal(items);
    expect(await collect(connection.stream('some', 0))).to.deep.equal([]);
    expect(await connection.send('greet', undefined)).to.equal('hello');
    await connection.close();
    await lock.release();
  });

  it('tells how a stream fails, and that one is not known', async () => {
    const lock = await lockDataDirectory(directory.path);
    lock.serve(greeting, {
      failing: async function* () {
        yield await Promise.resolve(1);
        throw new TrackingError('unavailable', 'The disk is gone.');
      },
    });
    const connection = await connect();
    expect(await failureOf(() => collect(connection.stream('failing', null)))).to.equal('The disk is gone.');
    expect(await failureOf(() => collect(connection.stream('other', null)))).to.match(/knows no command "other"/);
    await connection.close();
    await lock.release();
  });

  it('gives items no faster than they are taken, and ends the work when nobody takes them any more', async () => {
    const lock = await lockDataDirectory(directory.path);
    let given = 0;
    const ended = new AbortController();
    lock.serve(greeting, {
      endless: async function* () {
        try {
          for (; ; given++) yield await Promise.resolve('x'.repeat(100_000));
        } finally {
          ended.abort();
        }
      },
    });
    const connection = await connect();
    for await (const _ of connection.stream('endless', null)) {
      await setTimeout(100);
      break;
    }
    expect(given).to.be.below(100);
    while (!ended.signal.aborted) await setTimeout(5);
    await connection.close();
    await lock.release();
  });

  it('cuts streams off when it stops, which is noticed', async () => {
    const lock = await lockDataDirectory(directory.path);
    lock.serve(greeting, {
      slow: async function* () {
        for (;;) {
          await setTimeout(5);
          yield 1;
        }
      },
    });
    const connection = await connect();
    const failure = failureOf(async () => {
      for await (const _ of connection.stream('slow', null)) void lock.finish();
    });
    expect(await failure).to.equal('The running service stopped before it had given everything.');
    expect(await failureOf(() => connection.send('greet', undefined))).to.equal('The running service has stopped.');
    await connection.close();
    await lock.release();
  });

  it('is this process where nobody else is', async () => {
    const reached = await reachDataDirectory(directory.path, 'greet');
    if (!('lock' in reached)) throw new Error('Somebody held it.');
    await reached.lock.release();
  });
});
