import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import type { Figure } from '../../lib/agent/figure.js';
import { Host, hostSources } from '../../lib/agent/host.js';
import { atEnd } from '../servers/lifetime.js';

/** Keeps a processor busy and half a gigabyte of memory in use. */
const LOAD = `const held = Buffer.alloc(5e8, 1); console.log('ready'); for (;;) held[0]++;`;
const TRIES = 20;

/** Ticks that were spent, and those of them in which the processors were not idle, from /proc/stat. */
function ticks(): { readonly all: number; readonly busy: number } {
  const [, ...columns] = (readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? '').trim().split(/\s+/);
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softIrq = 0, steal = 0] = columns.map(Number);
  const busy = user + nice + system + irq + softIrq + steal;
  return { all: busy + idle + wait, busy };
}

function memory(): { readonly available: number; readonly used: number } {
  const text = readFileSync('/proc/meminfo', 'latin1');
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) * 1024;
  return { available: bytes('MemAvailable'), used: bytes('MemTotal') - bytes('MemAvailable') };
}

describe('The figures of the agent under a known load', function () {
  this.timeout(120_000);
  let load: ChildProcess;
  before(async () => {
    load = spawn(process.execPath, ['-e', LOAD], { stdio: ['ignore', 'pipe', 'inherit'] });
    atEnd(() => load.kill('SIGKILL'));
    if (load.stdout !== null) await once(load.stdout, 'data');
  });
  after(async () => {
    const ended = once(load, 'exit');
    load.kill('SIGKILL');
    await ended;
  });

  it('agree with what /proc says at the same moment, within 2 %', async () => {
    const host = new Host(hostSources(), { include: [], exclude: [] }, (error) => {
      throw error;
    });
    let closest = Infinity;
    // Another process may come or go between the two readings; that one of many pairs agrees is enough, but in all of it.
    for (let attempt = 0; attempt < TRIES && closest > 0.02; attempt++) {
      const before = ticks();
      await host.read();
      await setTimeout(1000);
      const [figures, after, said] = [await host.read(), ticks(), memory()];
      const busy = (100 * (after.busy - before.busy)) / (after.all - before.all);
      closest = Math.min(
        closest,
        distance(figures, { cpuUtilization: busy, availableMemory: said.available, usedMemory: said.used }),
      );
      // The load itself is in it: a processor of those that there are.
      expect(busy).to.be.above(90 / cpus().length);
    }
    expect(closest).to.be.at.most(0.02);
    expect(valueOf(await host.read(), 'usedMemory')).to.be.above(5e8);
  });
});

function valueOf(figures: readonly Figure[], name: string): number {
  return figures.find((figure) => figure.name === name)?.value ?? Number.NaN;
}

/** The greatest relative difference. */
function distance(figures: readonly Figure[], expected: Readonly<Record<string, number>>): number {
  const distances = Object.entries(expected).map(([name, value]) => Math.abs(valueOf(figures, name) - value) / value);
  return Math.max(...distances);
}
