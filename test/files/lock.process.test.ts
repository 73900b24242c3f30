import { expect } from 'chai';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockDataDirectory, sendOrRun } from '../../lib/files/lock.js';
import { failureOf } from '../failure.js';
import { temporaryDirectory } from './temporary.js';

const HOLDER = fileURLToPath(new URL('holder.js', import.meta.url));

interface Outcome {
  readonly held: boolean;
  readonly message?: string;
}

describe('The lock of a data directory', function () {
  this.timeout(20_000);
  const directory = temporaryDirectory();
  const children: ChildProcess[] = [];

  afterEach(async () => {
    await Promise.all(children.splice(0).map(kill));
  });

  async function start(path = directory.path, startAt = 0): Promise<{ child: ChildProcess; outcome: Outcome }> {
    const child = fork(HOLDER, [path, String(startAt)]);
    children.push(child);
    const [outcome] = (await once(child, 'message')) as [Outcome];
    return { child, outcome };
  }

  it('is given to one process, and a second one is told which holds it', async () => {
    const { child, outcome } = await start();
    expect(outcome).to.deep.equal({ held: true });
    const second = await start();
    expect(second.outcome.held).to.equal(false);
    expect(second.outcome.message).to.equal(
      `The data directory ${directory.path} is in use by process ${child.pid ?? 0}. Stop it first, or use another directory (DATA_DIR).`,
    );
  });

  it('refuses a second time within one process', async () => {
    const lock = await lockDataDirectory(directory.path);
    const error = await failureOf(lockDataDirectory(directory.path));
    expect(error.message).to.contain(`in use by process ${process.pid}`);
    await lock.release();
    await (await lockDataDirectory(directory.path)).release();
  });

  it('lets its holder answer long commands, however busy whoever sends them is meanwhile', async () => {
    await start();
    const busy = setInterval(() => {
      for (const end = performance.now() + 10; performance.now() < end;);
    });
    try {
      for (let round = 0; round < 15; round++) {
        const ones = Array.from({ length: 300_000 }, () => 1);
        expect(await sendOrRun(directory.path, 'add', ones, unexpected)).to.deep.equal({ sum: 300_000 });
      }
    } finally {
      clearInterval(busy);
    }
  });

  it('is free after kill -9 of its holder', async () => {
    const { child } = await start();
    await kill(child);
    expect(await readdir(directory.path)).to.have.length(1);
    const lock = await lockDataDirectory(directory.path);
    expect(await readdir(directory.path)).to.have.length(1);
    await lock.release();
    expect(await readdir(directory.path)).to.be.empty;
  });

  it('is held while its holder is stopped and cannot say so', async () => {
    const { child } = await start();
    child.kill('SIGSTOP');
    const error = await failureOf(lockDataDirectory(directory.path));
    expect(error.message).to.contain('in use by another process, which does not say its pid');
  });

  it('goes to exactly one of several that start at once, whether a dead holder was there before or not', async () => {
    for (let round = 0; round < 3; round++) {
      const startAt = Date.now() + 500;
      const started = await Promise.all(Array.from({ length: 6 }, () => start(directory.path, startAt)));
      const winners = started.filter(({ outcome }) => outcome.held);
      expect(winners).to.have.length(1);
      for (const { outcome } of started) {
        if (!outcome.held) expect(outcome.message).to.contain(`in use by process ${winners[0]?.child.pid ?? 0}`);
      }
      await Promise.all(children.splice(0).map(kill));
    }
  });

  it('goes to one at a time of many within one process', async () => {
    let holding = 0;
    let turns = 0;
    const contend = async (): Promise<void> => {
      for (let attempt = 0; attempt < 20; attempt++) {
        const lock = await lockDataDirectory(directory.path).catch(() => undefined);
        if (lock === undefined) continue;
        expect(++holding).to.equal(1);
        turns++;
        await new Promise((resolve) => setImmediate(resolve));
        holding--;
        await lock.release();
      }
    };
    await Promise.all(Array.from({ length: 8 }, contend));
    expect(turns).to.be.greaterThan(0);
    expect(await readdir(directory.path)).to.be.empty;
  });

  it('makes the directory, and lets only its owner in', async () => {
    const path = join(directory.path, 'not', 'there', 'yet');
    const lock = await lockDataDirectory(path);
    const [socket = ''] = await readdir(path);
    expect((await stat(path)).mode & 0o777).to.equal(0o700);
    expect((await stat(join(path, socket))).mode & 0o777).to.equal(0o600);
    await lock.release();
  });

  it('works where the path is longer than that of a socket may be; outside Linux it says so', async () => {
    const path = join(directory.path, 'long'.repeat(40));
    await mkdir(path);
    const { outcome } = await start(path);
    if (process.platform !== 'linux') {
      expect(outcome.message).to.contain('is too long for a Unix socket');
      return;
    }
    expect(outcome).to.deep.equal({ held: true });
    expect(await sendOrRun(path, 'add', [1, 2], unexpected)).to.deep.equal({ sum: 3 });
    expect((await start(path)).outcome.held).to.equal(false);
  });

  it('says so where the directory cannot be made', async () => {
    const error = await failureOf(lockDataDirectory('/proc/tracking/data'));
    expect(error.message).to.contain('The data directory /proc/tracking/data cannot be used');
  });

  it('says so where the directory is a file', async () => {
    const path = join(directory.path, 'file');
    await writeFile(path, '');
    const error = await failureOf(lockDataDirectory(path));
    expect(error.message).to.contain(`The data directory ${path} cannot be used`);
  });

  describe('carries commands to its holder', () => {
    it('and what the holder answers back', async () => {
      await start();
      expect(await sendOrRun(directory.path, 'add', [1, 2, 3], unexpected)).to.deep.equal({ sum: 6 });
    });

    it('and an error with its code, message and mistakes', async () => {
      await start();
      const error = await failureOf(sendOrRun(directory.path, 'refuse', undefined, unexpected));
      expect(error).to.include({ code: 'invalid', message: 'That is no name.', mistakeCount: 1 });
      expect(error.mistakes).to.deep.equal([{ path: 'name', message: 'is empty' }]);
      const defect = await failureOf(sendOrRun(directory.path, 'break', undefined, unexpected));
      expect(defect).to.include({ code: 'internal', message: 'a defect' });
    });

    it('and names the commands there are for one that is unknown', async () => {
      await start();
      const error = await failureOf(sendOrRun(directory.path, 'toString', undefined, unexpected));
      expect(error.code).to.equal('not-found');
      expect(error.message).to.contain('no command "toString"').and.to.contain('add, refuse');
    });

    it('and does not repeat one whose holder died over it', async () => {
      await start();
      const error = await failureOf(sendOrRun(directory.path, 'die', undefined, unexpected));
      expect(error.code).to.equal('unavailable');
      expect(error.message).to.contain('may have carried out "die" or not');
    });

    it('and those under way are answered before it lets go', async () => {
      await start();
      const slow = sendOrRun(directory.path, 'slow', undefined, unexpected);
      const quick = sendOrRun(directory.path, 'add', [1], unexpected);
      await quick;
      await sendOrRun(directory.path, 'release', undefined, unexpected);
      const here = sendOrRun(directory.path, 'add', [1], () =>
        Promise.resolve({ handlers: { add: () => Promise.resolve('here') }, close: () => Promise.resolve() }),
      );
      expect(await slow).to.equal('done');
      expect(await here).to.equal('here');
    });

    it('or runs them here where nobody holds it, one at a time', async () => {
      let open = 0;
      let most = 0;
      const work = () => {
        most = Math.max(most, ++open);
        return Promise.resolve({
          handlers: { add: (argument: unknown) => Promise.resolve(argument) },
          close: () => {
            open--;
            return Promise.resolve();
          },
        });
      };
      const answers = await Promise.all([1, 2, 3, 4, 5].map((each) => sendOrRun(directory.path, 'add', each, work)));
      expect(answers).to.deep.equal([1, 2, 3, 4, 5]);
      expect(most).to.equal(1);
      expect(await readdir(directory.path)).to.be.empty;
    });
  });
});

function unexpected(): never {
  throw new Error('nobody held the directory');
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
