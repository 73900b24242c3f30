import { execFile } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { StatsD } from '../../lib/agent/statsd.js';
import { listenForStatsD } from '../../lib/agent/statsd-sockets.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { closed, newClient } from './statsd-client.js';

describe('StatsD in the agent', () => {
  let said: string[];
  let statsd: StatsD;
  beforeEach(() => {
    said = [];
    statsd = new StatsD({ percentiles: [90, 99], say: (message) => said.push(message) });
  });

  /** What came, by name and tags. */
  function flushed(): Record<string, number> {
    return Object.fromEntries(
      statsd
        .flush()
        .map(({ name, value, tags = {} }) => [[name, ...Object.entries(tags).sort().flat()].join(' '), value]),
    );
  }

  it('adds counters up within an interval, scaled by their sample rate', () => {
    statsd.receive('requests:1|c\nrequests:2|c|@0.5\nrequests:-1|c');
    expect(flushed()).to.deep.equal({ requests: 4 });
    expect(flushed(), 'nothing came').to.deep.equal({});
  });

  it('keeps gauges from one interval to the next, and moves them by signed values', () => {
    statsd.receive('queue:10|g');
    statsd.receive('queue:+4|g\nqueue:-1.5|g');
    expect(flushed()).to.deep.equal({ queue: 12.5 });
    expect(flushed()).to.deep.equal({ queue: 12.5 });
    statsd.receive('queue:3|g');
    expect(flushed()).to.deep.equal({ queue: 3 });
  });

  it('makes count, sum, mean, bounds, median and percentiles of timers, histograms and distributions', () => {
    for (const type of ['ms', 'h', 'd']) {
      for (let value = 1; value <= 10; value++) statsd.receive(`latency:${value}|${type}`);
      expect(flushed()).to.deep.equal({
        'latency.count': 10,
        'latency.sum': 55,
        'latency.mean': 5.5,
        'latency.lower': 1,
        'latency.upper': 10,
        'latency.median': 5.5,
        'latency.p90': 9,
        'latency.p99': 10,
      });
    }
    statsd.receive('latency:8|ms|@0.1');
    expect(flushed()).to.include({ 'latency.count': 10, 'latency.sum': 80, 'latency.mean': 8, 'latency.p90': 8 });
  });

  it('keeps a timer bounded however much comes, with its count, sum and bounds exact', () => {
    for (let value = 0; value < 30_000; value++) statsd.receive(`latency:${value}|ms`);
    const figures = flushed();
    expect(figures).to.include({ 'latency.count': 30_000, 'latency.lower': 0, 'latency.upper': 29_999 });
    expect(figures['latency.p90']).to.be.within(26_000, 28_000);
  });

  it('counts what is different in a set', () => {
    statsd.receive('users:ann|s\nusers:bob|s\nusers:ann|s\nusers:a:b|s');
    expect(flushed()).to.deep.equal({ users: 3 });
    expect(flushed()).to.deep.equal({});
  });

  it('takes the tags of DogStatsD, in any order, several values in a line, and what stands behind them', () => {
    statsd.receive('page.views:1|c|#env:prod,region:eu');
    statsd.receive('page.views:1:2|c|#region:eu,env:prod|c:abc123|T1656581400');
    statsd.receive('page.views:5|c|#canary');
    expect(flushed()).to.deep.equal({ 'page.views env prod region eu': 4, 'page.views canary true': 5 });
  });

  it('leaves out events and service checks of DogStatsD', () => {
    statsd.receive('_e{5,4}:title|text\n_sc|redis|2');
    expect(flushed()).to.deep.equal({});
    expect(statsd.counts).to.deep.equal({ lines: 2, malformed: 0, beyond: 0 });
  });

  it('counts malformed lines, says so once, and takes the others of the packet', () => {
    const wrong = [
      '',
      ':1|c',
      'a:1',
      'a|c',
      'a:|c',
      'a:x|c',
      'a:1|q',
      'a:1|c|@0',
      'a:1|c|@2',
      'a:1|c|@x',
      'a:NaN|g',
      'a:0x1|c',
      'a:1e999|g',
      // As every object of JavaScript has them.
      'a:1|constructor',
      'a:1|__proto__',
    ];
    statsd.receive(`good:1|c\n${wrong.join('\n')}\r\ngood:1|c`);
    expect(flushed()).to.deep.equal({ good: 2 });
    expect(statsd.counts.malformed).to.equal(wrong.length - 1);
    expect(said).to.have.length(1);
    expect(said[0]).to.contain('":1|c"');
  });

  it('has a bound on the series that it holds', () => {
    for (let index = 0; index < 10_100; index++) statsd.receive(`user.${index}:1|c`);
    expect(statsd.counts.beyond).to.equal(100);
    expect(said).to.have.length(1);
    expect(statsd.flush()).to.have.length(10_000);
  });

  it('forgets the gauge that did not change for longest where the series are too many, and no other', () => {
    statsd.receive('old:1|g\nkept:2|g');
    statsd.flush();
    statsd.receive('kept:+1|g');
    for (let index = 0; index < 9_998; index++) statsd.receive(`user.${index}:1|g`);
    statsd.receive('requests:1|c');
    expect(statsd.counts.beyond).to.equal(0);
    expect(flushed()).to.include({ kept: 3, requests: 1, 'user.0': 1 }).and.not.have.property('old');
    // Those of one interval stay, however many more there are.
    for (let index = 0; index < 10_000; index++) statsd.receive(`job.${index}:1|c`);
    statsd.receive('more:1|c');
    expect(statsd.counts.beyond).to.equal(1);
  });

  it('has a bound on the characters of their names and tags, for which gauges of before leave room as well', () => {
    const tags = Array.from({ length: 16 }, (_, tag) => `${tag}${'k'.repeat(60)}:${'v'.repeat(120)}`).join(',');
    for (let index = 0; index < 500; index++) statsd.receive(`old.${index}:1|g|#${tags}`);
    expect(statsd.flush()).to.have.length(500);
    for (let index = 0; index < 1000; index++) statsd.receive(`user.${index}:1|c|#${tags}`);
    expect(statsd.counts.beyond).to.be.within(300, 400);
    expect(statsd.flush()).to.have.length(1000 - statsd.counts.beyond);
    statsd.receive('requests:1|c');
    expect(flushed()).to.deep.equal({ requests: 1 });
  });

  it('keeps nothing long of what is sent: neither names, nor texts of sets, nor the packet that they came in', () => {
    const long = 'x'.repeat(60_000);
    const heap = heapUsed();
    for (let index = 0; index < 500; index++) {
      statsd.receive(`users:${long}${index}|s\nn${index}:1|g|#tag:value-of-a-tag-${index}\n${long}${index}:1|c`);
    }
    expect(heapUsed() - heap).to.be.below(20 * 2 ** 20);
    expect(flushed()).to.include({ users: 500, 'n7 tag value-of-a-tag-7': 1 });
  });

  it('keeps a million values of all timers together, and of each a hundred at least', () => {
    const values = `:${Array.from({ length: 10_000 }, (_, index) => index).join(':')}`;
    for (let index = 0; index < 105; index++) statsd.receive(`t${index}${values}|ms`);
    const figures = flushed();
    expect(figures).to.include({ 't0.p90': 8999, 't104.count': 10_000, 't104.upper': 9999 });
    expect(figures['t104.p90']).to.be.within(7000, 9990);
  });

  it('takes any bytes without failing, and makes events of finite values only', () => {
    const line = fc.array(
      fc.constantFrom('a', ':', '|', '1', '-', '.', 'c', 'g', 'ms', 's', '@', '#', ',', '\n', 'e9', 'é'),
    );
    fc.assert(
      fc.property(line, (parts) => {
        statsd.receive(parts.join(''));
        expect(statsd.flush().every(({ value }) => Number.isFinite(value))).to.equal(true);
      }),
    );
  });

  describe('on its sockets', () => {
    const socketPath = (): string => path.join(temporaryFolder('statsd'), 'statsd.sock');

    it('has all that a client sends over UDP', async () => {
      const sockets = await listenForStatsD({ port: 0, path: undefined }, (packet) => {
        statsd.receive(packet);
      });
      const client = newClient(sockets.port ?? 0);
      for (let index = 0; index < 200; index++) {
        client.increment('orders', 2, { country: index % 2 === 0 ? 'de' : 'fr' });
        client.timing('checkout', index);
      }
      client.decrement('orders', { country: 'de' });
      client.gauge('stock', 7);
      client.set('visitors', 'ann');
      client.set('visitors', 'bob');
      client.distribution('size', 3);
      await closed(client);
      while (statsd.counts.lines < 405) await setTimeout(5);
      await sockets.close();
      const figures = flushed();
      expect(figures).to.deep.include({
        'shop.orders country de env test': 199,
        'shop.orders country fr env test': 200,
        'shop.stock env test': 7,
        'shop.visitors env test': 2,
        'shop.size.count env test': 1,
        'shop.checkout.count env test': 200,
        'shop.checkout.sum env test': 19_900,
        'shop.checkout.p90 env test': 179,
      });
      expect(statsd.counts).to.deep.equal({ lines: 405, malformed: 0, beyond: 0 });
    });

    it('takes streams of lines on a Unix socket that everybody may send to, also where a killed agent left one', async () => {
      const file = socketPath();
      for (let time = 0; time < 2; time++) {
        const sockets = await listenForStatsD({ port: undefined, path: file }, (packet) => {
          statsd.receive(packet);
        });
        expect(statSync(file).mode & 0o777).to.equal(0o666);
        const client = connect(file);
        client.write('jobs:3|c\njo');
        client.write('bs:4|c\n');
        while (statsd.counts.lines < 2 * (time + 1)) await setTimeout(5);
        client.end();
        expect(flushed()).to.deep.equal({ jobs: 7 });
        await sockets.close();
        // As a kill leaves it: a socket that nobody listens on any more.
        if (time === 0) await leaveSocket(file);
      }
      expect(existsSync(file)).to.equal(false);
    });

    it('takes packets after their lengths too, as DogStatsD clients send them', async () => {
      const file = socketPath();
      const sockets = await listenForStatsD({ port: undefined, path: file }, (packet) => {
        statsd.receive(packet);
      });
      const packets = ['jobs:3|c', 'jobs:4|c\njobs:5|c', `jobs:1|c${'\njobs:1|c'.repeat(99)}`].map((text) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(text.length);
        return Buffer.concat([length, Buffer.from(text)]);
      });
      const client = connect(file);
      // In pieces that end wherever they like.
      const bytes = Buffer.concat(packets);
      for (let at = 0; at < bytes.length; at += 7) {
        client.write(bytes.subarray(at, at + 7));
        if (at < 70) await setTimeout(1);
      }
      while (statsd.counts.lines < 103) await setTimeout(5);
      client.destroy();
      await sockets.close();
      expect(flushed()).to.deep.equal({ jobs: 112 });
      expect(statsd.counts.malformed).to.equal(0);
    });

    it('says what it cannot have', async () => {
      const first = await listenForStatsD({ port: 0, path: undefined }, () => undefined);
      const again = listenForStatsD({ port: first.port, path: undefined }, () => undefined);
      expect(await reasonOf(again)).to.match(
        /^StatsD cannot be taken on UDP port \d+: .*EADDRINUSE.*choose another one \(statsd\)\.$/,
      );
      await first.close();
      const file = socketPath();
      writeFileSync(file, 'somebody else needs it');
      const taken = listenForStatsD({ port: undefined, path: file }, () => undefined);
      expect(await reasonOf(taken)).to.contain(`StatsD cannot be taken on ${file}: `);
      const both = listenForStatsD({ port: 0, path: file }, () => undefined);
      expect(await reasonOf(both)).to.match(/^StatsD cannot be taken on \/.*choose another one \(statsdSocket\)\.$/);
      expect(existsSync(file)).to.equal(true);
      const nowhere = listenForStatsD({ port: undefined, path: path.join(file, 'none') }, () => undefined);
      expect(await reasonOf(nowhere)).to.match(/\. The folder must be there, .* \(statsdSocket\)\.$/);
    });

    it('has a thousand clients at a time on its Unix socket, for each may leave half a packet', async () => {
      const file = socketPath();
      const sockets = await listenForStatsD({ port: undefined, path: file }, (packet) => {
        statsd.receive(packet);
      });
      const clients: Socket[] = [];
      for (let index = 0; index < 1000; index++) {
        const client = connect(file);
        clients.push(client);
        await once(client, 'connect');
      }
      await once(
        connect(file).on('error', () => undefined),
        'close',
      );
      clients[0]?.destroy();
      while (statsd.counts.lines < 1) {
        const next = connect(file).on('error', () => undefined);
        next.end('jobs:3|c\n');
        await once(next, 'close');
      }
      for (const client of clients) client.destroy();
      await sockets.close();
    });

    it('leaves the socket of another agent that runs to it', async () => {
      const file = socketPath();
      const sockets = await listenForStatsD({ port: undefined, path: file }, (packet) => {
        statsd.receive(packet);
      });
      const again = listenForStatsD({ port: undefined, path: file }, () => undefined);
      expect(await reasonOf(again)).to.match(/^StatsD cannot be taken on .*EADDRINUSE/);
      const client = connect(file);
      client.end('jobs:3|c\n');
      while (statsd.counts.lines < 1) await setTimeout(5);
      await sockets.close();
      expect(flushed()).to.deep.equal({ jobs: 3 });
    });
  });
});

/** Bytes of what is still in use. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** Leaves a socket that nobody listens on any more, as a kill does. */
function leaveSocket(file: string): Promise<void> {
  const program = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
  return new Promise((resolve) =>
    execFile(process.execPath, ['-e', program, file], () => {
      resolve();
    }),
  );
}

async function reasonOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'did not fail',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}
