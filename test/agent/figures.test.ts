import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { nextTick } from '../../lib/agent/clock.js';
import { diskTraffic, fileSystems, mountsIn } from '../../lib/agent/disks.js';
import { elsewhere } from '../../lib/agent/elsewhere.js';
import type { Figure, Source } from '../../lib/agent/figure.js';
import { Host, hostSources, isChosen } from '../../lib/agent/host.js';
import { networks } from '../../lib/agent/networks.js';
import { sharesOf, ticksIn } from '../../lib/agent/processor.js';
import { PACKAGE_FOLDER } from '../../lib/config.js';
import { messageOf } from '../../lib/errors.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { StepClock } from './step-clock.js';

const ALL = { include: [], exclude: [] };

function file(content: string): string {
  const name = path.join(temporaryFolder('proc'), 'file');
  writeFileSync(name, content);
  return name;
}

const byName = (figures: readonly Figure[]): Record<string, number> =>
  Object.fromEntries(figures.map(({ name, value }) => [name, value]));

describe('the figures of the agent', () => {
  it('share the time of the processors out among their states', () => {
    const ticks = ticksIn('cpu  100 10 50 800 20 5 15 0 30 7\ncpu0 1 2 3\n');
    expect(ticks).to.deep.equal([100, 10, 50, 800, 20, 5, 15, 0]);
    expect(byName(sharesOf(ticks))).to.deep.equal({
      cpuUtilization: 18,
      cpuUser: 10,
      cpuNice: 1,
      cpuSystem: 5,
      cpuIdle: 80,
      cpuIoWait: 2,
      cpuIrq: 0.5,
      cpuSoftIrq: 1.5,
      cpuSteal: 0,
    });
    expect(sharesOf([0, 0])).to.deep.equal([]);
  });

  it('know local file systems, each device once, and none that could hang', () => {
    const table = [
      '/dev/vda1 / ext4 rw 0 0',
      'proc /proc proc rw 0 0',
      '/dev/vda1 /var/lib/bound ext4 rw 0 0',
      '/dev/vdb /mnt/with\\040space xfs rw 0 0',
      'server:/home /home nfs4 rw 0 0',
      '/dev/fuse /run/user fuse rw 0 0',
      '/dev/sdc1 /mnt/ntfs fuseblk rw 0 0',
      '/dev/loop3 /snap/core squashfs ro 0 0',
      'tank/data /tank zfs rw 0 0',
      'tmpfs /run tmpfs rw 0 0',
    ].join('\n');
    expect(mountsIn(table).map((mount) => mount.path)).to.deep.equal(['/', '/mnt/with space', '/mnt/ntfs', '/tank']);
    expect(
      mountsIn('overlay / overlay rw 0 0').map((mount) => mount.path),
      'in a container',
    ).to.deep.equal(['/']);
  });

  it('say how full a file system is, as df does', async () => {
    const figures = byName(await fileSystems(file('/dev/vda1 / ext4 rw 0 0\n'))(undefined));
    expect(figures.totalDisk).to.be.above(0);
    expect(figures.diskUtilization).to.be.closeTo(
      (100 * (figures.usedDisk ?? 0)) / ((figures.usedDisk ?? 0) + (figures.availableDisk ?? 0)),
      1e-9,
    );
  });

  it('make rates of the counters of whole disks, and none of the first reading', async () => {
    const folder = temporaryFolder('block');
    for (const name of ['vda', 'loop0', 'vdb']) writeFileSync(path.join(folder, name), '');
    const stats = file('');
    const read = diskTraffic(stats, folder);
    const at = (reads: number, written: number): void => {
      writeFileSync(
        stats,
        `253 0 vda ${reads} 0 200 0 10 0 ${written} 0 0 ${reads * 100} 0\n 253 1 vda1 5 0 5 0 5 0 5 0 0 5 0\n` +
          `7 0 loop0 9 0 9 0 9 0 9 0 0 9 0\n253 16 vdb 0 0 0 0 0 0 0 0 0 0 0\n`,
      );
    };
    at(10, 100);
    expect(await read(undefined)).to.deep.equal([]);
    at(30, 140);
    const figures = await read(10);
    expect(byName(figures)).to.deep.equal({
      diskReads: 2,
      diskWrites: 0,
      diskReadBytes: 0,
      diskWrittenBytes: (40 * 512) / 10,
      diskBusy: 20,
    });
    expect(figures[0]?.tags).to.deep.equal({ device: 'vda' });
    // A counter that went back began at 0.
    at(5, 140);
    expect(byName(await read(10)).diskReads).to.equal(0.5);
  });

  it('make rates of what goes over networks, but not over the loopback interface', async () => {
    const table = file('');
    const read = networks(table);
    const at = (received: number, sent: number): void => {
      writeFileSync(
        table,
        `Inter-| Receive | Transmit\n face |bytes packets\n    lo: 9 9 0 0 0 0 0 0 9 9 0 0 0 0 0 0\n` +
          `  eth0:${received} 20 1 0 0 0 0 0 ${sent} 30 1 2 0 0 0 0\n  ifb0: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n`,
      );
    };
    at(1000, 500);
    expect(await read(undefined)).to.deep.equal([]);
    at(6000, 1500);
    const figures = await read(10);
    expect(byName(figures)).to.deep.include({ networkReceivedBytes: 500, networkSentBytes: 100, networkErrors: 0 });
    expect(figures[0]?.tags).to.deep.equal({ interface: 'eth0' });
  });

  it('are chosen by patterns, and what is excluded is not there', () => {
    expect(isChosen('cpuUser', ALL)).to.equal(true);
    expect(isChosen('cpuUser', { include: ['cpu*', 'uptime'], exclude: [] })).to.equal(true);
    expect(isChosen('usedMemory', { include: ['cpu*', 'uptime'], exclude: [] })).to.equal(false);
    expect(isChosen('cpuUser', { include: ['cpu*'], exclude: ['*User'] })).to.equal(false);
  });

  it('of this host are all in the README, and those of the README are all there', async () => {
    const host = new Host(hostSources(), ALL, (error) => {
      throw error;
    });
    await host.read();
    // The kernel counts in hundredths of a second.
    await setTimeout(100);
    const names = new Set((await host.read()).map(({ name }) => name));
    const readme = readFileSync(path.join(PACKAGE_FOLDER, 'README.md'), 'utf8');
    const table = /\| figure +\|[^]*?\n\n/.exec(readme)?.[0] ?? '';
    const listed = new Set([...table.matchAll(/`([a-z]\w+)`/gi)].map(([, name = '']) => name));
    for (const tag of ['mount', 'device', 'interface']) listed.delete(tag);
    expect([...names].filter((name) => !listed.has(name))).to.deep.equal([]);
    // A host may have no disk or network of its own that ever did anything.
    const missing = [...listed].filter((name) => !names.has(name));
    expect(missing.filter((name) => !/^(?:disk|network)/.test(name))).to.deep.equal([]);
  });

  it('go on without a source that fails or hangs', async () => {
    const failures: unknown[] = [];
    const hanging: Source = () => new Promise(() => undefined);
    const failing: Source = () => Promise.reject(new Error('No such file'));
    const working: Source = () => Promise.resolve([{ name: 'uptime', value: 1 }]);
    const host = new Host([hanging, failing, working], ALL, (error) => failures.push(error));
    expect(byName(await host.read())).to.deep.equal({ uptime: 1 });
    expect(byName(await host.read())).to.deep.equal({ uptime: 1 });
    expect(failures).to.have.length(2);
  });

  it('say once which pattern has none on this host', async () => {
    const failures: unknown[] = [];
    const rates: Source = (seconds) => Promise.resolve(seconds === undefined ? [] : [{ name: 'diskReads', value: 1 }]);
    const host = new Host([rates], { include: ['disk*', 'dsk*'], exclude: [] }, (error) => failures.push(error));
    for (let reading = 0; reading < 3; reading++) await host.read();
    expect(failures.map(messageOf)).to.deep.equal(['include has "dsk*", and this host has no figure of such a name']);
  });

  it('are there also where no /proc is', async () => {
    const figures = (await Promise.all(elsewhere.map((source) => source(undefined)))).flat();
    expect(byName(figures)).to.include.keys('cpuUtilization', 'processCount');
  });
});

describe('the clock of the agent', () => {
  it('wakes at full intervals, and goes on after one that jumped', async () => {
    const { signal } = new AbortController();
    const start = Date.UTC(2026, 0, 5, 12, 0, 3);
    const clock = new StepClock(start, 10_000);
    expect(await nextTick(clock, 10_000, signal)).to.equal(start + 7000);
    expect(await nextTick(clock, 10_000, signal)).to.equal(start + 17_000);
    let time = start;
    const jumping = (to: number): ReturnType<typeof nextTick> =>
      nextTick({ now: () => time, sleep: () => Promise.resolve(void (time = to)) }, 10_000, signal);
    expect(await jumping(start + 3_600_000), 'forward').to.equal(start + 3_600_000 - 3000);
    time = start;
    let steps = 0;
    const back = await nextTick(
      {
        now: () => time,
        sleep: (milliseconds) => Promise.resolve(void (time = steps++ === 0 ? time - 3_600_000 : time + milliseconds)),
      },
      10_000,
      signal,
    );
    expect(back, 'back').to.equal(start - 3_600_000 + 7000);
  });
});
